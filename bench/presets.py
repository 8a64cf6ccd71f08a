"""Presets beside plain H2OAutoML with the same time: the same rows to learn from, the same held-out rows to judge by.

Each data set is split once, 80% to train and 20% held out (stratified for classes). The plain arm is what a notebook
does: `h2o.init`, `import_file`, `H2OAutoML(max_runtime_secs=…, seed=1)`, the leader; the other arms are presets, which
are trained through the queue with the same limit in seconds. Arms of a data set run right after one another, each in an
engine of its own, since the load of the machine may change. It takes an hour, so what is done is kept in a JSON file
with the predictions beside it, and a second call goes on where the first one ended:

    BELLWETHER_TEST_DATA=… python -m bench.presets --only vehicle --seconds 180 --out presets.json
"""

import argparse
import csv
import gzip
import json
import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import h2o
import numpy as np
from h2o.automl import H2OAutoML
from scipy.stats import rankdata
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import train_test_split

from bench.common import data_folder, report, scratch_services
from core.engine.jvm.java import find_java
from core.engine.jvm.launch import free_port
from core.files import atomic_path
from core.settings import load_settings
from core.training.plan.plan import propose
from core.training.plan.presets import with_preset

HELD_OUT, SEED = 0.2, 1
RESAMPLES = 500
PLAIN, PRESET_ARMS = "plain", ("quick", "balanced", "thorough")


@dataclass(frozen=True)
class Problem:
    """A data set, what to predict, and the metric by which its leaders are judged."""

    file: str
    target: str
    metric: str
    ignored: tuple[str, ...] = ()
    sort_metric: str = "AUTO"


PROBLEMS: Final = MappingProxyType(
    {
        "credit_g": Problem("credit_g.csv", "class", "auc"),
        "insurance": Problem("insurance_cross_sell.csv.gz", "Response", "auc", ignored=("id",)),
        "vehicle": Problem("vehicle.csv", "Class", "logloss", sort_metric="logloss"),
        "diamonds": Problem("diamonds.csv.gz", "price", "rmse"),
        "phoneme": Problem("phoneme.csv", "Class", "auc"),
        "bank_marketing": Problem("bank_marketing.csv.gz", "deposit", "auc"),
        "powerplant": Problem("powerplant_output.csv", "HourlyEnergyOutputMW", "rmse"),
    }
)
_LEAN: Final = (
    {"name": "GLM", "alias": "defaults"},
    {"name": "XGBoost", "steps": [{"id": "def_2"}]},
    {"name": "GBM", "steps": [{"id": "def_5"}, {"id": "def_2"}]},
    {"name": "XGBoost", "steps": [{"id": "def_1"}]},
    {"name": "StackedEnsemble", "alias": "defaults"},
)
_SHORT: Final = (
    {"name": "GLM", "steps": [{"id": "def_1"}]},
    {"name": "XGBoost", "steps": [{"id": "def_3"}]},
    {"name": "GBM", "steps": [{"id": "def_2"}]},
    {"name": "StackedEnsemble", "steps": [{"id": "best_of_family_1"}]},
)
# What was tried to make a preset better; each is a preset with something changed.
CANDIDATES: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = MappingProxyType(
    {
        "folds2_trees": ("balanced", {"nfolds": 2, "exclude_algos": ("DeepLearning", "DRF")}),
        "lean3": ("balanced", {"nfolds": 3, "modeling_plan": _LEAN}),
        "short3": ("balanced", {"nfolds": 3, "modeling_plan": _SHORT}),
        "lean2": ("balanced", {"nfolds": 2, "modeling_plan": _LEAN}),
        "short2": ("balanced", {"nfolds": 2, "modeling_plan": _SHORT}),
        "short5": ("balanced", {"modeling_plan": _SHORT}),
        "lean5": ("balanced", {"modeling_plan": _LEAN}),
        "quick3": ("quick", {"max_models": 3}),
        "thorough_free": ("thorough", {"max_models": 0}),
        "thorough10": ("thorough", {"max_models": 10}),
    }
)
ARMS: Final = (PLAIN, *PRESET_ARMS, *CANDIDATES)


@dataclass(frozen=True)
class Split:
    """The two files of a data set, and the held-out rows' targets."""

    train: Path
    test: Path
    actual: list[str]
    classes: tuple[str, ...]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what is not in the JSON file yet, then report each data set of which there is something."""
    parser = argparse.ArgumentParser(description="Presets beside plain H2OAutoML with the same time.")
    parser.add_argument("--only", choices=tuple(PROBLEMS), action="append", help="may be repeated")
    parser.add_argument("--arm", choices=ARMS, action="append", help="may be repeated; default: plain and the presets")
    parser.add_argument("--seconds", type=int, default=180, help="for each arm")
    parser.add_argument("--out", type=Path, default=Path("presets.json"), help="where the results are kept")
    parser.add_argument("--report", action="store_true", help="only report what the file has")
    args = parser.parse_args(argv)
    names = args.only or list(PROBLEMS)
    if not args.report:
        arms = args.arm or [PLAIN, *PRESET_ARMS]
        for name in names:
            left = [arm for arm in arms if _key(name, arm, args.seconds) not in _read(args.out)]
            if left:
                _measure_all(name, left, args.seconds, args.out)
    found = _read(args.out)
    compared = [arm for arm in (PLAIN, *PRESET_ARMS) if all(_key(name, arm, args.seconds) in found for name in names)]
    ranks: dict[str, list[float]] = {arm: [] for arm in compared}
    for name in names:
        _summarise(name, found, args, ranks)
    report(
        bench="presets", seconds=args.seconds, sets=len(names),
        mean_rank={arm: statistics.fmean(own) for arm, own in ranks.items() if own},
    )  # fmt: skip


def _key(name: str, arm: str, seconds: int) -> str:
    return f"{name}/{arm}/{seconds}"


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


# --- measuring --------------------------------------------------------------------------------------------------------


def _measure_all(name: str, arms: Sequence[str], seconds: int, out: Path) -> None:
    """Train some arms on one data set; keep each before the next begins."""
    problem = PROBLEMS[name]
    with tempfile.TemporaryDirectory(prefix="bellwether-presets-") as folder:
        split = make_split(problem, Path(folder))
        for arm in arms:
            load, begun = os.getloadavg()[0], time.monotonic()
            predictions, about = (
                train_plain(problem, split, seconds) if arm == PLAIN else train_preset(problem, split, seconds, arm)
            )
            record = {
                "score": None if predictions is None else score(problem, split, predictions),
                "load": [round(load, 1), round(os.getloadavg()[0], 1)],
                "total_s": round(time.monotonic() - begun),
                **about,
            }
            file = _predictions_file(out, name, arm, seconds)
            file.parent.mkdir(parents=True, exist_ok=True)
            if predictions is not None:
                np.savez_compressed(file, predictions=predictions, actual=np.array(split.actual))
            done = {**_read(out), _key(name, arm, seconds): record}
            with atomic_path(out) as temporary:
                temporary.write_text(json.dumps(done, indent=1), encoding="utf-8")
            report(bench="presets_arm", data=name, arm=arm, **record)


def _predictions_file(out: Path, name: str, arm: str, seconds: int) -> Path:
    return out.with_suffix("") / f"{name}.{arm}.{seconds}.npz"


def make_split(problem: Problem, folder: Path) -> Split:
    """Write the rows to train with, and those held out without their target, as the file has them."""
    path = data_folder() / problem.file
    with (
        gzip.open(path, "rt", encoding="utf-8", newline="")
        if path.suffix == ".gz"
        else path.open(encoding="utf-8", newline="") as file
    ):
        header, *rows = list(csv.reader(file))
    place = header.index(problem.target)
    labels = [row[place] for row in rows]
    is_class = problem.metric != "rmse"
    train, test = train_test_split(
        np.arange(len(rows)), test_size=HELD_OUT, random_state=SEED, stratify=labels if is_class else None
    )
    split = Split(
        folder / "train.csv", folder / "test.csv", [labels[row] for row in sorted(test)],
        tuple(sorted(set(labels))) if is_class else (),
    )  # fmt: skip
    with split.train.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *(rows[row] for row in sorted(train))])
    with split.test.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([*row[:place], *row[place + 1 :]] for row in [header, *(rows[row] for row in sorted(test))])
    return split


def train_plain(problem: Problem, split: Split, seconds: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Train as a notebook does, and predict the held-out rows with the leader."""
    settings = load_settings()
    os.environ["JAVA_HOME"] = str(find_java().path.parent.parent)
    h2o.init(
        port=free_port(), nthreads=settings.engine_threads, max_mem_size=settings.h2o_memory_bytes,
        strict_version_check=False, verbose=False,
    )  # fmt: skip
    try:
        h2o.no_progress()
        frame, test = h2o.import_file(str(split.train)), h2o.import_file(str(split.test))
        if split.classes:
            frame[problem.target] = frame[problem.target].asfactor()
        automl = H2OAutoML(max_runtime_secs=seconds, seed=SEED, sort_metric=problem.sort_metric)
        features = [name for name in frame.columns if name not in (problem.target, *problem.ignored)]
        begun = time.monotonic()
        automl.train(x=features, y=problem.target, training_frame=frame)
        trained_s = time.monotonic() - begun
        predicted = automl.leader.predict(test).as_data_frame(use_multi_thread=True)
        columns = predicted.iloc[:, 1:] if split.classes else predicted.iloc[:, :1]
        if split.classes and tuple(frame[problem.target].levels()[0]) != split.classes:
            raise ValueError("The engine sorts the classes differently.")
        about = {
            "trained_s": round(trained_s), "n_models": automl.leaderboard.nrows, "leader_algo": automl.leader.algo,
        }  # fmt: skip
        return columns.to_numpy(dtype=float), about
    finally:
        h2o.cluster().shutdown()


def train_preset(problem: Problem, split: Split, seconds: int, arm: str) -> tuple[np.ndarray | None, dict[str, Any]]:
    """Train a preset through the queue, and score the held-out rows with its leader; None where there is none."""
    preset, changed = CANDIDATES.get(arm, (arm, {}))
    with scratch_services() as services:
        dataset = services.datasets.add(split.train, "train.csv")
        proposed = propose(services.datasets.open(dataset.id), problem.target, experiment="bench")
        settings = replace(
            with_preset(proposed, preset), ignored=problem.ignored, sort_metric=problem.sort_metric, seed=SEED,
            max_runtime_secs=seconds, **changed,
        )  # fmt: skip
        services.jobs.start()
        run = services.jobs.wait(services.jobs.submit(settings))
        if run.leader_id is None:
            return None, {"n_models": 0, "error": run.error, "nfolds": settings.nfolds}
        leader = services.store.resolve(f"models:/{run.leader_id}")
        scored = services.scorer.score_file(split.test, "test.csv", model_uri=leader.uri).results
        names = [f"probability_{name}" for name in split.classes] or ["prediction"]
        about = {
            "trained_s": round(run.seconds["train"]), "n_models": run.n_models, "leader_algo": leader.algo,
            "nfolds": settings.nfolds,
        }  # fmt: skip
        return np.column_stack([scored[name].to_numpy() for name in names]), about


def score(problem: Problem, split: Split, predictions: np.ndarray) -> float:
    """Judge predictions of the held-out rows."""
    return _score(problem.metric, np.array(split.actual), predictions)


def _score(metric: str, actual: np.ndarray, predictions: np.ndarray) -> float:
    if metric == "rmse":
        return float(root_mean_squared_error(actual.astype(float), predictions[:, 0]))
    if metric == "auc":
        return float(roc_auc_score(actual == np.unique(actual)[-1], predictions[:, -1]))
    return float(log_loss(actual, predictions / predictions.sum(axis=1, keepdims=True)))


# --- reporting --------------------------------------------------------------------------------------------------------


def _summarise(name: str, found: Mapping[str, Any], args: argparse.Namespace, ranks: dict[str, list[float]]) -> None:
    """Report one data set, and add the ranks of the arms that every set has."""
    metric = PROBLEMS[name].metric
    tried = [arm for arm in ARMS if _key(name, arm, args.seconds) in found]
    if PLAIN not in tried:
        return
    measured = [arm for arm in tried if found[_key(name, arm, args.seconds)]["score"] is not None]
    loaded = {arm: np.load(_predictions_file(args.out, name, arm, args.seconds)) for arm in measured}
    actual = loaded[PLAIN]["actual"]
    better = 1.0 if metric == "auc" else -1.0
    scores = {arm: found[_key(name, arm, args.seconds)]["score"] for arm in measured}
    resampled = _resampled(metric, actual, {arm: file["predictions"] for arm, file in loaded.items()})
    sd = float(resampled[PLAIN].std(ddof=1))
    figures: dict[str, Any] = {"metric": metric, "scores": scores, "sd_of_plain": sd}
    for arm in measured:
        if arm != PLAIN:
            ahead = better * (scores[arm] - scores[PLAIN])
            paired = float((resampled[arm] - resampled[PLAIN]).std(ddof=1))
            figures[arm] = {"ahead_in_sd": ahead / sd, "ahead_in_sd_of_difference": ahead / paired, "ok": ahead >= -sd}
    figures["without_a_model"] = [arm for arm in tried if arm not in measured]
    places = rankdata([-better * scores[arm] if arm in scores else np.inf for arm in ranks])
    for arm, place in zip(ranks, places, strict=True):
        ranks[arm].append(float(place))
    report(bench="presets", data=name, rows=len(actual), **figures)


def _resampled(metric: str, actual: np.ndarray, predictions: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Score the same resamples of the held-out rows for every arm."""
    random = np.random.default_rng(SEED)
    scores: dict[str, list[float]] = {arm: [] for arm in predictions}
    for _ in range(RESAMPLES):
        rows = random.integers(0, len(actual), len(actual))
        for arm, values in predictions.items():
            scores[arm].append(_score(metric, actual[rows], values[rows]))
    return {arm: np.array(values) for arm, values in scores.items()}


if __name__ == "__main__":
    main()
