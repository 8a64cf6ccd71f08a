"""Two runs with the preset Reproducible on three data sets: is the leaderboard the same to a billionth?"""

import argparse
from collections.abc import Sequence
from dataclasses import replace

from bench.common import data_folder, report, scratch_services
from core.services import Services
from core.training.plan.plan import propose
from core.training.plan.presets import with_preset

TARGETS = {"credit_g.csv": "class", "vehicle.csv": "Class", "powerplant_output.csv": "HourlyEnergyOutputMW"}


def main(argv: Sequence[str] | None = None) -> None:
    """Train each data set twice in one home and report the verdict, as the button on a run's page does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=tuple(TARGETS), action="append")
    parser.add_argument("--max-models", type=int, help="fewer than the preset's 10, for a quick look")
    args = parser.parse_args(argv)
    with scratch_services() as services:
        services.jobs.start()
        for name in args.only or TARGETS:
            _measure(services, name, args.max_models)


def _measure(services: Services, name: str, max_models: int | None) -> None:
    dataset = services.datasets.add(data_folder() / name, name)
    settings = with_preset(propose(services.datasets.open(dataset.id), TARGETS[name], experiment=name), "reproducible")
    if max_models:
        settings = replace(settings, max_models=max_models)
    first = services.jobs.wait(services.jobs.submit(settings), until_explained=True)
    again = services.jobs.wait(services.jobs.submit(settings, verifies=first.run_id), until_explained=True)
    verdict = again.verification
    if verdict is None:
        report(bench="reproducible", data=name, status=(first.status, again.status), error=again.error, ok=False)
        return
    report(
        bench="reproducible",
        data=name,
        models=verdict.n_models,
        metrics=verdict.n_metrics,
        largest_difference=verdict.largest,
        reasons=verdict.reasons,
        ok=verdict.is_same,
    )


if __name__ == "__main__":
    main()
