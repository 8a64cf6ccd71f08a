"""The backtest on the page of a run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures_runs import Home, make_home, run_to_end, shown


@pytest.fixture(scope="module")
def by_time(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Home:
    """A home with a run that is split by time."""
    folder = tmp_path_factory.mktemp("by_time")
    home = make_home(folder, migrated_database, n_runs=0)
    random = np.random.default_rng(5)
    lines = ["day,size,noise,buys"]
    for row in range(160):
        size = random.normal()
        lines.append(f"{np.datetime64('2024-01-01') + row // 2},{size:.4f},{random.random():.4f},{'yn'[size > 0]}")
    (folder / "visits.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    home = replace(home, dataset=home.services.datasets.add(folder / "visits.csv", "visits.csv"))
    settings = home.settings(ignored=(), split="time", split_column="day", nfolds=3)
    return replace(home, runs=(run_to_end(home.services, settings, explain=False),))


def test_the_page_of_a_run_says_what_the_backtest_means(by_time: Home, visit) -> None:
    app = visit(by_time.services, "runs", run=by_time.runs[0].run_id)
    text = shown(app)
    assert "Backtest: trained on the past" in text
    assert "built again on the rows up to" in text
    assert "validation said" in text
    assert app.get("plotly_chart")
    numbers = next(item.value for item in app.dataframe if "Judged on" in item.value)
    said = numbers["Judged on"].tolist()
    assert len(said) == 2 + 4
    assert said[2:5] == ["Mean of the backtest", "Spread of the backtest", "Cross-validation"]
    assert said[5].startswith("Holdout, ")
    assert "Constant predictor · AUC" in numbers.columns


def test_a_run_at_random_has_nothing_of_it(trained: Home, visit) -> None:
    assert "Backtest" not in shown(visit(trained.services, "runs", run=trained.runs[0].run_id))
