"""The watch folder of the real app, with a real model, over a kill -9."""

import shutil
from pathlib import Path

import pyarrow.csv as pa_csv
import pytest

from core.data.datasets.samples import sample_scoring_path
from tests.browser.driver import Server, run_server, wait_until

pytestmark = [pytest.mark.server, pytest.mark.engine]

LINES = sample_scoring_path().read_text("utf-8").splitlines()
FILES = {f"part {number}.csv": [LINES[0], *LINES[1 + 40 * number : 41 + 40 * number]] for number in range(8)}


def run(home: Path):
    return run_server(home, BELLWETHER_H2O_MEMORY="1g", BELLWETHER_MIN_FREE="1m", BELLWETHER_INBOX_INTERVAL="0.1")


def results(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "data" / "outbox" / "sample").glob("*.csv"))


def scorings(server: Server) -> list[str]:
    """Return the files of the inbox that the audit table has as scored."""
    from core.ledger.database import Ledger

    entries = Ledger(server.log_path.parent / "data" / "bellwether.db").entries(action="score")
    return sorted(entry.detail["file"] for entry in entries if entry.person == "inbox")


def test_f03_killed_between_files_each_is_delivered_once(tmp_path, trained_home):
    home = tmp_path / "home"
    shutil.copytree(trained_home, home, ignore=shutil.ignore_patterns("server.json", "work", "engine"))
    inbox = home / "data" / "inbox" / "sample"
    with run(home) as server:
        wait_until(inbox.is_dir, 60, "the folder")
        for name, lines in FILES.items():
            (inbox / name).write_text("\n".join(lines), encoding="utf-8")
        wait_until(lambda: len(results(home)) >= 2, 120, "two results")
        server.process.kill()
        server.process.wait(20)
    with run(home) as server:
        wait_until(lambda: len(results(home)) >= len(FILES), 120, "all results")
        wait_until(lambda: len(list((inbox / "done").glob("*.csv"))) == len(FILES), 20, "all done")
        # At most the one that was in the making was begun twice; its first result was never seen.
        assert set(scorings(server)) == set(FILES)
        assert len(scorings(server)) <= len(FILES) + 1
        assert server.stop() == 0
    assert results(home) == sorted(f"{name.removesuffix('.csv')}_predictions.csv" for name in FILES)
    for name, lines in FILES.items():
        table = pa_csv.read_csv(home / "data" / "outbox" / "sample" / f"{name.removesuffix('.csv')}_predictions.csv")
        assert table["customer_id"].to_pylist() == [int(line.split(",")[0]) for line in lines[1:]]
        assert table["prediction"].null_count == 0
    assert list((inbox / "working").iterdir()) == []


def test_a_file_that_does_not_fit_is_set_aside_with_the_reason(tmp_path, trained_home):
    home = tmp_path / "home"
    shutil.copytree(trained_home, home, ignore=shutil.ignore_patterns("server.json", "work", "engine"))
    inbox = home / "data" / "inbox" / "sample"
    with run(home):
        wait_until(inbox.is_dir, 60, "the folder")
        (inbox / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
        note = inbox / "failed" / "other.csv.txt"
        wait_until(note.exists, 60, "the reason")
        assert "it may be a file for another problem" in note.read_text("utf-8")
    assert not (home / "data" / "outbox").exists()
