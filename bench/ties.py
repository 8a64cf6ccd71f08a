"""How often models of equal quality are called different, and models that differ are; and what the test costs."""

import time
from collections.abc import Callable

import numpy as np

from bench.common import report
from core.domain.training import Task
from core.metrics.ties import METRICS, Answers, SameRows

PAIRS = 200
EQUAL, APART = (0.6, 0.6), (0.5, 0.71)  # the second pair is .02 apart in AUC
GOALS = {"equal_called_different": 0.08, "apart_called_different": 0.90, "seconds_100_000_rows": 0.2}


def binary_pair(random: np.random.Generator, n_rows: int, noise: tuple[float, float]) -> SameRows:
    """Return two models that see the same signal, each with noise of its own; one row of five is positive."""
    truth = (random.random(n_rows) < 0.2).astype(np.int64)
    signal = random.normal(1.2 * truth, 1.0)
    answers = []
    for own in noise:
        seen = signal + random.normal(0, own, n_rows)
        # Bayes' rule for two normal distributions: the probability is calibrated.
        odds = 0.25 * np.exp((1.2 * seen - 0.72) / (1 + own**2))
        p = odds / (1 + odds)
        decided = (p >= 0.3).astype(np.int64)
        answers.append(Answers("binary", truth, np.column_stack([1 - p, p]), decided, 1))
    return SameRows(answers)


def regression_pair(random: np.random.Generator, n_rows: int, noise: tuple[float, float]) -> SameRows:
    """Return two models that are off by noise of their own."""
    truth = random.normal(10, 2, n_rows)
    outputs = [truth + random.normal(0, own, n_rows) for own in noise]
    return SameRows([Answers("regression", truth, output, np.zeros(0, np.int64)) for output in outputs])


def share_different(
    make: Callable[[np.random.Generator, int, tuple[float, float]], SameRows],
    metric: str,
    n_rows: int,
    noise: tuple[float, float],
    *,
    pairs: int = PAIRS,
    seed: int = 7,
) -> float:
    """Return the share of simulated pairs that are called different."""
    random = np.random.default_rng(seed)
    found = [make(random, n_rows, noise).difference(0, 1, metric).is_tied for _ in range(pairs)]
    return 1 - float(np.mean(found))


def seconds(task: Task, n_rows: int, n_models: int) -> dict[str, float]:
    """Return how long every metric of so many models takes."""
    random = np.random.default_rng(3)
    make = regression_pair if task == "regression" else binary_pair
    answers = make(random, n_rows, (0.5,) * n_models).answers  # type: ignore[arg-type]
    taken = {}
    for metric in METRICS[task]:
        begun = time.perf_counter()
        SameRows(answers).difference(0, 1, metric)
        taken[metric] = round(time.perf_counter() - begun, 3)
    return taken


def main() -> None:
    """Measure both kinds of error for every metric, and the time for two models on 100,000 rows."""
    equal = {}
    for task, make in (("binary", binary_pair), ("regression", regression_pair)):
        for metric in METRICS[task]:  # type: ignore[index]
            equal[metric] = share_different(make, metric, 2000, EQUAL)
    apart = {"auc": share_different(binary_pair, "auc", 20_000, APART)}
    taken = seconds("binary", 100_000, 2) | seconds("regression", 100_000, 2)
    report(
        bench="ties",
        equal_called_different=equal,
        apart_called_different=apart,
        seconds_100_000_rows=taken,
        wanted=GOALS,
        ok=max(equal.values()) <= GOALS["equal_called_different"]
        and min(apart.values()) >= GOALS["apart_called_different"]
        and max(taken.values()) <= GOALS["seconds_100_000_rows"],
    )


if __name__ == "__main__":
    main()
