"""The options of `python -m core train`: how they are written, and the settings that they mean."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.cli.commands.runs import follow
from core.cli.progress import PERSON, say, tell
from core.domain.baselines import BASELINES
from core.domain.models import ModelInfo
from core.domain.runs import RunInfo
from core.domain.training import ALGORITHMS, TASKS
from core.errors import DataError, RunError, TrainingSettingsError
from core.training.plan.options import DISTRIBUTIONS, SPLITS, STOPPING_METRICS, has_backtest
from core.training.plan.presets import PRESETS, with_preset
from core.training.plan.steps import MAX_PLAN_BYTES, read_modeling_plan

if TYPE_CHECKING:  # the services import MLflow, which a `--help` should not wait for
    import pyarrow as pa

    from core.data.datasets.registry import Datasets
    from core.domain.datasets import Dataset
    from core.domain.training import TrainingSettings
    from core.services import Services

_DISTRIBUTIONS: Final = tuple(dict.fromkeys(name for names in DISTRIBUTIONS.values() for name in names))
_STOPPING: Final = tuple(dict.fromkeys(name for names in STOPPING_METRICS.values() for name in names))
# Options that are settings of the same name and are taken as they are when they are given.
_PLAIN: Final = (
    "max_runtime_secs", "max_runtime_secs_per_model", "nfolds", "seed", "sort_metric", "split", "split_column",
    "fold_column", "weights_column", "max_after_balance_size", "distribution", "tweedie_power", "quantile_alpha",
    "huber_alpha", "stopping_metric", "stopping_rounds", "stopping_tolerance", "exploitation_ratio", "blending_share",
    "positive", "backtest",
)  # fmt: skip
_COLUMNS: Final = ("split_column", "fold_column", "weights_column")
_SUFFIXES: Final = (".gz", ".csv", ".tsv", ".txt", ".parquet", ".xlsx", ".xls", ".ods", ".zip")
_FLAGS: Final = (
    "balance_classes", "target_encoding", "keep_cross_validation_models", "keep_cross_validation_fold_assignment",
)  # fmt: skip


def add_arguments(train: argparse.ArgumentParser) -> None:
    """Declare the options; what is not given is None, so that it overrides no preset."""
    train.add_argument("--data", required=True, metavar="PATH|DATASET", help="a file, or a dataset by name or id")
    train.add_argument("--target", required=True, metavar="COL", help="the column to predict")
    train.add_argument("--experiment", metavar="NAME", help="default: the file's name without its extension")
    train.add_argument("--task", choices=TASKS, help="default: what the target suggests")
    train.add_argument(
        "--positive", metavar="CLASS", help="the class looked for; default: 1, yes, true, else the rarer one"
    )
    train.add_argument(
        "--ignore", action="append", default=[], metavar="COL", help="a column to leave out; may be repeated"
    )
    train.add_argument("--recipe", metavar="FILE|NAME", help="a recipe's JSON file, or the name of a saved recipe")
    train.add_argument("--preset", choices=tuple(PRESETS), help="settings to start from; other options override them")
    train.add_argument("--no-wait", action="store_true", help="leave the run to the app that runs on the same home")
    _add_limits(train.add_argument_group("how much"))
    _add_judging(train.add_argument_group("how it is judged"))
    _add_models(train.add_argument_group("models"))
    _add_classes(train.add_argument_group("classes and distribution"))
    _add_stopping(train.add_argument_group("stopping"))


def train(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Train and return the leader with its metrics, or only queue the run for the app of this home."""
    if not args.no_wait:
        services.engine.start_in_background()
    dataset = _dataset(services, args.data)
    wanted = read_settings(args, services, dataset, args.experiment or _stem(dataset.file_name))
    if args.no_wait and not services.jobs.has_other_worker():
        raise RunError(
            "No app is running on this home to take the run.",
            hint="Start it with `make run`, or leave out --no-wait.",
        )
    run_id = services.jobs.submit(wanted, person=PERSON)
    told = {"warnings": [*dataset.warnings, *factor_words(wanted, services.datasets)]}
    tell(told["warnings"])
    if args.no_wait:
        return {"run_id": run_id, "experiment": wanted.experiment, "status": "queued", **told}
    services.jobs.start(until=run_id)
    result = run_result(services, follow(services, run_id))
    tell(result["warnings"])
    result["warnings"] = [*told["warnings"], *result["warnings"]]
    services.jobs.wait(run_id, until_explained=True)
    return result


def _dataset(services: "Services", data: str) -> "Dataset":
    known = services.datasets.find(data)
    if known is not None:
        return known
    path = Path(data)
    if not path.is_file():
        raise DataError(f"{data!r} is neither a file nor a dataset.", hint="Check the path.", code="file.not_found")
    say(f"Reading {path.name} …")
    return services.datasets.add(path, path.name)


def _stem(file_name: str) -> str:
    name = file_name
    while name.lower().endswith(_SUFFIXES):
        name = name[: name.rindex(".")]
    return name or "experiment"


def run_result(services: "Services", run: RunInfo) -> dict[str, Any]:
    """Return what is said of a run that has ended: its leader with its metrics, and what is wrong with it."""
    models = {model.id: model for model in services.store.models(run_id=run.run_id)}
    leader = models.get(run.leader_id or "")
    metrics: dict[str, dict[str, float]] = {"cv": {}, "holdout": {}}
    for name, value in (leader.metrics if leader else {}).items():
        origin, _, metric = name.partition("_")
        if origin in metrics and not metric.endswith(("_mean", "_sd")):
            metrics[origin][metric] = value
    return {
        "run_id": run.run_id,
        "experiment": run.experiment,
        "status": run.status,
        "leader": None if leader is None else {"model_id": leader.model_key, "algo": leader.algo, "uri": leader.uri},
        "metrics": metrics,
        "n_models": run.n_models,
        "seconds": run.seconds,
        "warnings": [leader.no_better] if leader is not None and leader.no_better else [],
        **_backtest(services, run, tuple(models.values())),
    }


def _backtest(services: "Services", run: RunInfo, models: Sequence[ModelInfo]) -> dict[str, Any]:
    """Return what the backtest of a run says of each model that was judged; nothing for runs without one."""
    from core.models.backtest import view_backtest
    from core.models.opened import find_backtest

    found = find_backtest(services.store, run.run_id) if has_backtest(run.settings) else None
    if found is None:
        return {}
    view = view_backtest(found, models, run.constant, run.settings)
    told = [
        {"model_id": line.key, "mean": line.mean, "sd": line.sd, "steps": list(line.values), "cv": line.cv}
        for line in view.lines
    ]
    return {"backtest": {"metric": view.metric, "models": told}}


def read_settings(
    args: argparse.Namespace, services: "Services", dataset: "Dataset", experiment: str
) -> "TrainingSettings":
    """Return the settings that the options mean: the target's proposal, then the preset, then what was given.

    Raises
    ------
    TargetError, RecipeError
        If the target or the recipe cannot be used.
    TrainingSettingsError
        If an option cannot be read.
    """
    from core.training.plan.plan import propose, target_column

    data, recipe = services.datasets.open(dataset.id), _recipe(args.recipe, services)
    target = dataset.column_called(args.target)
    settings = propose(data, target, experiment=experiment, recipe=recipe)
    if args.task and args.task != settings.task:
        settings = replace(settings, task=args.task, positive=None)
    if args.preset:
        settings = with_preset(settings, args.preset)
    wanted = replace(settings, **_with_columns(given(args), dataset))
    if wanted.positive is not None and args.positive:
        return replace(wanted, positive=_class(args.positive, target_column(data, target, recipe)[1]))
    return wanted


def factor_words(wanted: "TrainingSettings", datasets: "Datasets") -> list[str]:
    """Say which class got which factor: classes are sorted as text, which puts 10 before 2."""
    from core.training.plan.plan import class_counts, target_column

    factors = wanted.class_sampling_factors
    if not factors:
        return []
    classes = class_counts(target_column(datasets.open(wanted.dataset_id), wanted.target, wanted.recipe)[1])
    pairs = (f"{name} {factor:g}" for name, factor in zip(classes, factors, strict=True))
    return [f"Class sampling factors, by class sorted as text: {', '.join(pairs)}."]


def _with_columns(found: dict[str, Any], dataset: "Dataset") -> dict[str, Any]:
    """Return given settings with columns named as in the dataset, where they are named as in the file."""
    called = dataset.column_called
    found |= {name: called(found[name]) for name in _COLUMNS if name in found}
    if "ignored" in found:
        found["ignored"] = tuple(map(called, found["ignored"]))
    if "monotone_constraints" in found:
        found["monotone_constraints"] = {called(name): sign for name, sign in found["monotone_constraints"].items()}
    return found


def _class(positive: str, values: "pa.ChunkedArray") -> str:
    """Return the class of a target that is written like this in the file, else the text itself."""
    import pyarrow as pa

    from core.data.tables.schema import match_levels
    from core.training.plan.plan import class_counts

    matched, _ = match_levels(pa.chunked_array([[" ".join(positive.split())]]), tuple(class_counts(values)))
    return matched[0].as_py() or positive


def given(args: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that were given, by name.

    TrainingSettingsError if a constraint, a factor or the modeling plan cannot be read.
    """
    found: dict[str, Any] = {name: getattr(args, name) for name in _PLAIN if getattr(args, name) is not None}
    found |= {name: True for name in _FLAGS if getattr(args, name)}
    if args.holdout is not None:
        found["holdout_share"] = args.holdout
    if args.ignore:
        found["ignored"] = tuple(args.ignore)
    if args.max_models is not None:
        found["max_models"] = args.max_models
    elif args.max_runtime_secs and not args.preset:
        found["max_models"] = 0  # a time alone is the limit
    if args.include_algos or args.exclude_algos:
        found |= {"include_algos": _names(args.include_algos), "exclude_algos": _names(args.exclude_algos)}
    if args.class_sampling_factors:
        found["class_sampling_factors"] = _factors(args.class_sampling_factors)
    if args.baselines:
        found["baselines"] = _baselines(args.baselines)
    if args.monotone:
        found["monotone_constraints"] = dict(map(_constraint, args.monotone))
    if args.modeling_plan:
        found["modeling_plan"] = _modeling_plan(Path(args.modeling_plan))
    return found


def _add_limits(group: Any) -> None:
    group.add_argument("--max-models", type=int, metavar="N", help="default 10, no limit when only a time is given")
    group.add_argument("--max-runtime-secs", type=int, metavar="S", help="for the whole run; default 0, no limit")
    group.add_argument("--max-runtime-secs-per-model", type=int, metavar="S", help="default 0, no limit")
    group.add_argument("--seed", type=int, metavar="N", help="default 1")


def _add_judging(group: Any) -> None:
    group.add_argument("--nfolds", type=int, metavar="K", help="folds of cross-validation, default 5")
    group.add_argument("--holdout", type=float, metavar="SHARE", help="0 to 0.5 of the rows, which no model sees")
    group.add_argument("--split", choices=SPLITS, help="how holdout and folds are made, default random")
    group.add_argument("--split-column", metavar="COL", help="the time or group column to split by")
    group.add_argument(
        "--no-backtest", dest="backtest", action="store_const", const=False,
        help="with --split time: do not judge models built again on the past only",
    )  # fmt: skip
    group.add_argument("--fold-column", metavar="COL", help="its values are the folds, instead of --nfolds")
    group.add_argument("--weights-column", metavar="COL", help="how much each row counts; 0 leaves it out")
    group.add_argument("--sort-metric", metavar="M", help="orders the leaderboard, default AUTO")


def _add_models(group: Any) -> None:
    which = group.add_mutually_exclusive_group()
    which.add_argument("--include-algos", metavar="A,B", help=", ".join(ALGORITHMS))
    which.add_argument("--exclude-algos", metavar="A,B", help="all but these")
    group.add_argument(
        "--monotone", action="append", default=[], metavar="COL=+1|-1",
        help="the prediction only rises (+1) or falls (-1) with it; may be repeated",
    )  # fmt: skip
    group.add_argument("--exploitation-ratio", type=float, metavar="R", help="share of the time to spend on the best")
    group.add_argument("--modeling-plan", metavar="FILE", help="JSON list of H2O's steps, in order")
    group.add_argument("--blending-share", type=float, metavar="SHARE", help="rows to fit the ensembles on")
    group.add_argument("--target-encoding", action="store_true", help="refused: such models cannot be exported")
    group.add_argument("--keep-cross-validation-models", action="store_true", help="keep the models of the folds")
    group.add_argument("--baselines", metavar="A,B", help=f"to compare with: {', '.join(BASELINES)}")
    group.add_argument(
        "--keep-cross-validation-fold-assignment", action="store_true", help="keep which row was in which fold"
    )


def _add_classes(group: Any) -> None:
    group.add_argument("--balance-classes", action="store_true", help="sample rare classes more often")
    group.add_argument("--class-sampling-factors", metavar="F,F", help="one for each class, sorted as text: 1, 10, 2")
    group.add_argument("--max-after-balance-size", type=float, metavar="X", help="times the original rows, default 5")
    group.add_argument("--distribution", choices=_DISTRIBUTIONS, help="how the target is spread; default AUTO")
    group.add_argument("--tweedie-power", type=float, metavar="P", help="1 to 2, default 1.5")
    group.add_argument("--quantile-alpha", type=float, metavar="A", help="0 to 1, default 0.5: the median")
    group.add_argument("--huber-alpha", type=float, metavar="A", help="0 to 1, default 0.9")


def _add_stopping(group: Any) -> None:
    group.add_argument("--stopping-metric", choices=_STOPPING, help="what a model must improve to keep growing")
    group.add_argument("--stopping-rounds", type=int, metavar="N", help="default 3; 0 never stops early")
    group.add_argument("--stopping-tolerance", type=float, metavar="T", help="default: H2O's own")


def _recipe(wanted: str | None, services: "Services") -> dict[str, Any] | None:
    """Return the recipe of a file, or the saved one of that name."""
    if wanted is None:
        return None
    from core.recipes.saved import MAX_FILE_BYTES, read_recipe_file

    path = Path(wanted)
    if not path.is_file():
        return services.recipes.get(wanted).recipe.to_dict()
    with path.open("rb") as file:
        recipe = read_recipe_file(file.read(MAX_FILE_BYTES + 1))
    return (recipe if recipe.name else replace(recipe, name=path.name)).to_dict()


def _names(text: str | None) -> tuple[str, ...]:
    """Split a comma-separated list of algorithms, in any case."""
    known = {name.casefold(): name for name in ALGORITHMS}
    return tuple(known.get(part.strip().casefold(), part.strip()) for part in (text or "").split(",") if part.strip())


def _baselines(text: str) -> tuple[str, ...]:
    known = {name.casefold(): name for name in BASELINES}
    return tuple(known.get(part.strip().casefold(), part.strip()) for part in text.split(",") if part.strip())


def _factors(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise TrainingSettingsError(
            f"{text!r} is not a list of class sampling factors.", hint="Write numbers with commas, such as 1.0,2.5."
        ) from error


def _constraint(text: str) -> tuple[str, int]:
    name, _, sign = text.rpartition("=")
    if not name or sign not in ("1", "+1", "-1"):
        raise TrainingSettingsError(
            f"{text!r} is not a constraint.", hint="Write the feature, =, and +1 (rising) or -1 (falling): age=+1."
        )
    return name, int(sign)


def _modeling_plan(path: Path) -> tuple[dict[str, Any], ...]:
    """Read a modeling plan; `core.training.plan.plan.check_settings` checks its steps."""
    if not path.is_file():
        raise TrainingSettingsError(f"There is no modeling plan {str(path)!r}.", hint="Check the path.")
    with path.open("rb") as file:
        return read_modeling_plan(file.read(MAX_PLAN_BYTES + 1))
