"""``python -m core report``, with a small engine in memory."""

import argparse
from dataclasses import replace
from pathlib import Path

import pytest

from core.cli.commands import report as report_commands
from core.errors import ExplanationError, RunNotFoundError, UnsupportedFileError
from tests.fixtures_runs import Home, run_to_end
from tests.html_text import parse_html

pytestmark = pytest.mark.slow


@pytest.fixture
def home(fresh_home: Home) -> Home:
    return replace(fresh_home, runs=(run_to_end(fresh_home.services, fresh_home.settings(), explain=False),))


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    report_commands.add_arguments(parser)
    return parser.parse_args(words)


def test_the_report_of_a_run_is_that_of_its_leader_and_made_once(home: Home, tmp_path: Path, capsys) -> None:
    run, out = home.runs[0], tmp_path / "report.html"
    first = report_commands.report(arguments(run.run_id, "--out", str(out)), home.services)
    leader = home.services.store.resolve(f"models:/{run.leader_id}")
    assert (first["model"], first["run_id"], first["out"]) == (leader.uri, run.run_id, str(out))
    assert out.read_bytes() == home.services.store.artifact(run.run_id, first["artifact"]).read_bytes()
    assert "Writing the report" in capsys.readouterr().err
    again = report_commands.report(arguments(leader.uri, "--out", str(out)), home.services)
    assert again["artifact"] == first["artifact"]
    anew = report_commands.report(arguments(leader.uri, "--out", str(out), "--anew"), home.services)
    assert anew["artifact"] > first["artifact"]
    assert len(home.services.reports.list(leader)) == 2


def test_the_card_alone_has_no_figures(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "card.html"
    report_commands.report(arguments(home.runs[0].run_id, "--out", str(out), "--card"), home.services)
    page = parse_html(out.read_text("utf-8"))
    assert page.n_figures == 0
    assert "What it cannot tell you" in page.text


def test_what_cannot_be_written_or_found_is_refused(home: Home, tmp_path: Path) -> None:
    for out in (tmp_path, tmp_path / "report.pdf"):
        with pytest.raises(UnsupportedFileError):
            report_commands.check(arguments("x", "--out", str(out)))
    with pytest.raises(RunNotFoundError):
        report_commands.report(arguments("0" * 32, "--out", str(tmp_path / "a.html")), home.services)
    waiting = home.services.jobs.submit(home.settings(seed=9))
    with pytest.raises(ExplanationError, match="no leader"):
        report_commands.report(arguments(waiting, "--out", str(tmp_path / "a.html")), home.services)
