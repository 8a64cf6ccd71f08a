"""Scoring 127,037 rows with the example recipe against scoring them without, in one run; at most 1.3 times."""

import json
import statistics
import tempfile
import time
from pathlib import Path

from bench.common import data_folder, report, scratch_services, train, unpacked
from core.domain.runs import RunInfo
from core.exports.answers import save
from core.services import Services

ALLOWED = 1.3
TIMES = 5
RECIPE = Path(__file__).resolve().parents[1] / "data" / "samples" / "recipes" / "article.json"


def main() -> None:
    """Train the same small GBM twice on the sample and score the same file in turns."""
    with scratch_services() as services, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = data_folder() / "insurance_cross_sell_sample.csv"
        options = {"ignored": ("id",), "max_models": 1, "nfolds": 2, "include_algos": ("GBM",)}
        plain = train(services, source, "Response", **options)
        recipe = json.loads(RECIPE.read_bytes())
        prepared = train(services, source, "Response", recipe=recipe, **options)
        path = unpacked(data_folder() / "insurance_cross_sell_unlabelled.csv.gz", folder)
        seconds: dict[str, list[float]] = {"without": [], "with": []}
        steps = {}
        for turn in range(TIMES + 1):
            for label, run in (("without", plain), ("with", prepared)):
                begun = time.monotonic()
                steps[label] = _score(services, run, path, folder / f"{label}.csv")
                if turn:  # the first turn warms both up
                    seconds[label].append(time.monotonic() - begun)
        without_s, with_s = statistics.median(seconds["without"]), statistics.median(seconds["with"])
        report(
            bench="recipe_scoring", rows=127_037, without_s=without_s, with_s=with_s, ratio=with_s / without_s,
            allowed=ALLOWED, spread={label: [min(found), max(found)] for label, found in seconds.items()}, steps=steps,
            ok=with_s / without_s <= ALLOWED,
        )  # fmt: skip


def _score(services: Services, run: RunInfo, path: Path, out: Path) -> dict[str, float]:
    """Score a file to a file and return the seconds of each step."""
    scored = services.scorer.score_file(path, path.name, model_uri=f"models:/{run.leader_id}")
    save(scored, out)
    return scored.seconds


if __name__ == "__main__":
    main()
