"""``compare``: models beside each other, on the rows they were judged on and, with ``--data``, on a file."""

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.cli.progress import PERSON, tell
from core.errors import DataError

if TYPE_CHECKING:  # the services import MLflow, which a `--help` should not wait for
    from core.domain.models import ModelInfo
    from core.metrics.ties import MetricDifference
    from core.scoring.swap import SwapSet
    from core.services import Services

MOST: Final = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("models", nargs="+", metavar="MODEL", help="URIs of 2 to 10 models, the first to compare with")
    parser.add_argument("--data", metavar="PATH", help="score this file with all of them: who moves, and who is better")
    parser.add_argument("--sheet", metavar="NAME", help="sheet of a workbook")


def check(args: argparse.Namespace) -> None:
    """Refuse what cannot work before anything is opened.

    DataError if there are too few or too many models (``compare.count``), or no such file (``file.not_found``).
    """
    check_count(len(set(args.models)))
    if args.data and not Path(args.data).is_file():
        raise DataError(f"{args.data!r} is not a file.", hint="Check the path.", code="file.not_found")


def check_count(n_models: int) -> None:
    """Raise DataError (``compare.count``) unless that many different models can be compared."""
    if not 2 <= n_models <= MOST:
        raise DataError(
            f"{n_models} different models were named; 2 to {MOST} can be compared.",
            hint="Name each by its URI; the leaderboard has them.",
            code="compare.count",
        )


def compare(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Compare models with the first one."""
    from core.models.beside import left_out_words, put_beside
    from core.models.opened import StoredModel

    models = list({model.id: model for model in map(services.store.resolve, args.models)}.values())
    check_count(len(models))
    found = put_beside([StoredModel(services.store, model) for model in models])
    uris = {model.id: model.uri for model in models}
    first = found.models[0].uri if found.models else None
    return {
        "models": [_record(model) for model in models],
        "metrics": {model.uri: dict(model.metrics) for model in models},
        "compared_on": {"origin": found.origin, "rows": len(found.rows)},
        "not_compared": left_out_words(found, uris),
        "differences": [
            {"model_from": first, "model_to": uris[model_id], "origin": found.origin, **_difference(one)}
            for model_id, differences in found.differences().items()
            for one in differences
        ],
        **(_on_file(args, services, models, uris) if args.data else {"swap": None, "warnings": []}),
    }


def _on_file(
    args: argparse.Namespace, services: "Services", models: "list[ModelInfo]", uris: dict[str, str]
) -> dict[str, Any]:
    from core.scoring.known_rows import seen_warnings
    from core.scoring.swap import swap_set

    path = Path(args.data)
    with closing(services.scorer.open(path, path.name, sheet=args.sheet)) as file:
        first, *others = services.scorer.score_beside(file, models, person=PERSON)
        warnings = seen_warnings(services.datasets, services.store, (first, *others), uris)
        tell(warnings)
        return {"swap": [_swap_record(swap_set(first, other)) for other in others], "warnings": list(warnings)}


def _swap_record(found: "SwapSet") -> dict[str, Any]:
    return {
        "model_from": found.first.uri,
        "model_to": found.second.uri,
        "rows": found.n_rows,
        "changed": found.n_changed,
        "moves": [{"from": one.before, "to": one.after, "rows": one.n_rows} for one in found.moves],
        "rows_with_actual_values": found.n_compared,
        "differences": [_difference(one) for one in found.differences],
        "profit_per_1000_rows": {**_difference(found.profit), "unit": found.unit} if found.profit else None,
    }


def _difference(found: "MetricDifference") -> dict[str, Any]:
    return {
        "metric": found.metric,
        "from": found.first,
        "to": found.second,
        "difference": found.value,
        "low": found.low,
        "high": found.high,
        "tied": found.is_tied,
    }


def _record(model: "ModelInfo") -> dict[str, Any]:
    return {
        "uri": model.uri,
        "model_id": model.model_key,
        "algo": model.algo,
        "experiment": model.experiment,
        "run_id": model.run_id,
        "version": model.version,
        "champion": model.is_champion,
        "can_score": model.has_files,
        "training_time_s": model.training_time_s,
        "predict_time_per_row_s": model.predict_time_per_row_s,
    }
