"""Quality against the published AutoML Benchmark (AMLB): 3 minutes on this machine against their hour on 8 cores.

Each data set is split three times, 90% to train and 10% held out (stratified for classes); what counts is the leader
on the held-out rows. The same run trains the XGBoost baseline with as much time again. It takes over two hours in all,
so every split that is done is kept in a JSON file, and a second call goes on where the first one ended:

    BELLWETHER_TEST_DATA=… python bench/amlb.py --only credit_g --seconds 180 --out amlb.json
"""

import argparse
import csv
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.common import data_folder, report, scratch_services
from core.domain.models import ModelInfo
from core.domain.runs import RunInfo
from core.files import atomic_path
from core.services import Services
from core.training.plan.plan import propose

SPLITS = (1, 2, 3)
FRAMEWORK, VERSION = "H2OAutoML", "3.34.0.1"
LOWER = frozenset({"logloss", "rmse"})
ALLOWED_SD = 2.0  # how far from the published mean still counts as the same
TIED_SD = 0.5  # how far below the baseline still counts as tied


@dataclass(frozen=True)
class Problem:
    """A data set, what to predict, and the metric that AMLB compares."""

    file: str
    target: str
    metric: str
    ignored: tuple[str, ...] = ()
    sort_metric: str = "AUTO"
    has_published: bool = True


PROBLEMS = {
    "credit_g": Problem("credit_g.csv", "class", "auc"),
    "vehicle": Problem("vehicle.csv", "Class", "logloss", sort_metric="logloss"),
    "phoneme": Problem("phoneme.csv", "Class", "auc"),
    "adult": Problem("adult.csv.gz", "class", "auc"),
    "bank_marketing": Problem("bank_marketing.csv.gz", "deposit", "auc"),
    # `duration` is known only after the call: nobody has published figures without it.
    "bank_marketing_without_duration": Problem(
        "bank_marketing.csv.gz", "deposit", "auc", ignored=("duration",), has_published=False
    ),
    "diamonds": Problem("diamonds.csv.gz", "price", "rmse"),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what is not in the JSON file yet, then report each data set that is complete."""
    parser = argparse.ArgumentParser(description="Quality against the published AutoML Benchmark.")
    parser.add_argument("--only", choices=tuple(PROBLEMS), action="append", help="may be repeated")
    parser.add_argument("--seconds", type=int, default=180, help="for the AutoML, and again for the baseline")
    parser.add_argument("--out", type=Path, default=Path("amlb.json"), help="where the results are kept")
    parser.add_argument("--report", action="store_true", help="only report what the file has")
    args = parser.parse_args(argv)
    done: dict[str, Any] = json.loads(args.out.read_text(encoding="utf-8")) if args.out.exists() else {}
    names = args.only or list(PROBLEMS)
    left = [(name, split) for name in names for split in SPLITS if _key(name, split, args.seconds) not in done]
    if left and not args.report:
        with scratch_services() as services:
            services.jobs.start()
            for name, split in left:
                done[_key(name, split, args.seconds)] = _measure(services, name, split, args.seconds)
                with atomic_path(args.out) as temporary:
                    temporary.write_text(json.dumps(done, indent=1), encoding="utf-8")
    for name in names:
        found = [done[key] for split in SPLITS if (key := _key(name, split, args.seconds)) in done]
        if found:
            _summarise(name, found, args.seconds)


def _key(name: str, split: int, seconds: int) -> str:
    return f"{name}/{split}/{seconds}"


def _measure(services: Services, name: str, split: int, seconds: int) -> dict[str, Any]:
    """Train one split; the seed is the split's number, so that the rows held out differ."""
    problem = PROBLEMS[name]
    dataset = services.datasets.add(data_folder() / problem.file, problem.file)
    settings = replace(
        propose(services.datasets.open(dataset.id), problem.target, experiment=name),
        ignored=problem.ignored,
        max_models=0,
        max_runtime_secs=seconds,
        holdout_share=0.1,
        seed=split,
        sort_metric=problem.sort_metric,
        baselines=("constant", "XGBoost"),
    )
    run = services.jobs.wait(services.jobs.submit(settings), until_explained=True)
    models = services.store.models(run_id=run.run_id, limit=10_000)
    record = _record(run, models, problem.metric)
    report(bench="amlb_split", data=name, split=split, **record)
    return record


def _record(run: RunInfo, models: Sequence[ModelInfo], metric: str) -> dict[str, Any]:
    leader = next((model for model in models if model.id == run.leader_id), None)
    baselines = {model.baseline: model for model in models if model.baseline}
    found: dict[str, Any] = {"status": run.status, "error": run.error, "n_models": run.n_models}
    compared = {"leader": leader, "xgboost": baselines.get("XGBoost"), "constant": baselines.get("constant")}
    for who, model in compared.items():
        found[who] = None if model is None else model.metrics.get(f"holdout_{metric}")
    found["leader_algo"] = leader.algo if leader else None
    found["seconds"] = run.seconds
    return found


def _summarise(name: str, found: Sequence[dict[str, Any]], seconds: int) -> None:
    problem = PROBLEMS[name]
    figures: dict[str, Any] = {"bench": "amlb", "data": name, "metric": problem.metric, "seconds": seconds}
    for who in ("leader", "xgboost", "constant"):
        values = [record[who] for record in found if record[who] is not None]
        figures[who] = statistics.fmean(values) if values else None
    figures["splits"] = len(found)
    sign = -1 if problem.metric in LOWER else 1
    published = _published(problem)
    if published and figures["leader"] is not None:
        mean, sd = published
        figures |= {"published": mean, "published_sd": sd}
        figures["gap_in_sd"] = sign * (figures["leader"] - mean) / sd
        figures["ok"] = figures["gap_in_sd"] >= -ALLOWED_SD
    if None not in (figures["leader"], figures["xgboost"]):
        ahead = sign * (figures["leader"] - figures["xgboost"])
        figures["ahead_of_xgboost"] = ahead
        tie = TIED_SD * published[1] if published else 0.0
        figures["xgboost_beaten_or_tied"] = ahead >= -tie
    report(**figures)


def _published(problem: Problem) -> tuple[float, float] | None:
    """Return the published mean and standard deviation over ten folds."""
    if not problem.has_published:
        return None
    with (data_folder() / "published_scores.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            wanted = (problem.file, FRAMEWORK, VERSION, problem.metric)
            if (row["file"], row["framework"], row["version"], row["metric"]) == wanted:
                return float(row["mean"]), float(row["sd"])
    return None


if __name__ == "__main__":
    main()
