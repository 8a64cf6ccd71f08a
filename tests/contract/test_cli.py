"""The command line against the real engine: train, look, score, explain, promote; errors as documented."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from core.data.datasets.samples import sample_scoring_path, sample_training_path

pytestmark = pytest.mark.engine
ROOT = Path(__file__).resolve().parents[2]


class Cli:
    """Runs ``python -m core`` on one home."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *args: object, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "BELLWETHER_HOME": str(self.home), "BELLWETHER_H2O_MEMORY": "1g"}
        command = [sys.executable, "-m", "core", *map(str, args)]
        return subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=timeout_s, check=False
        )

    def json(self, *args: object) -> dict[str, Any]:
        done = self.run(*args)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def refused(self, *args: object) -> str:
        done = self.run(*args)
        assert done.returncode == 2, done.stdout + done.stderr
        assert done.stdout == ""
        assert done.stderr.splitlines()[-2].startswith("error["), done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    return Cli(tmp_path_factory.mktemp("cli") / "home")


@pytest.fixture(scope="module")
def trained(cli: Cli) -> dict[str, Any]:
    return cli.json(
        "train", "--data", sample_training_path(), "--target", "interested", "--experiment", "sample",
        "--max-models", 2, "--nfolds", 2, "--include-algos", "glm,gbm", "--holdout", 0.2,
    )  # fmt: skip


def test_train_answers_with_run_leader_metrics_by_origin_and_seconds(trained: dict[str, Any]) -> None:
    assert trained["experiment"] == "sample"
    assert trained["status"] == "finished"
    assert trained["n_models"] == 2
    assert trained["leader"]["uri"].startswith("models:/m-")
    assert trained["metrics"]["cv"]["auc"] > 0.7
    assert trained["metrics"]["holdout"]["auc"] > 0.7
    assert set(trained["seconds"]) == {"engine", "upload", "train", "log", "total"}


def test_runs_and_leaderboard_show_it(cli: Cli, trained: dict[str, Any]) -> None:
    (run,) = cli.json("runs")["runs"]
    assert (run["run_id"], run["status"], run["leader"]) == (trained["run_id"], "finished", trained["leader"]["uri"])
    board = cli.json("leaderboard", trained["run_id"])
    assert board["total"] == 2
    assert board["rows"][0]["uri"] == trained["leader"]["uri"]
    best = cli.json("leaderboard", "--experiment", "sample", "--limit", 1)
    assert (len(best["rows"]), best["total"]) == (1, 2)
    assert best["rows"][0]["cv_auc"] > 0.7


def test_compare_says_how_far_models_differ_and_who_moves_on_a_file(cli: Cli, trained: dict[str, Any]) -> None:
    uris = [row["uri"] for row in cli.json("leaderboard", trained["run_id"])["rows"]]
    found = cli.json("compare", *uris, "--data", sample_training_path())
    assert [model["uri"] for model in found["models"]] == uris
    auc = next(one for one in found["differences"] if one["metric"] == "auc")
    assert (auc["model_from"], auc["model_to"], auc["origin"]) == (*uris, "holdout")
    assert auc["low"] <= auc["to"] - auc["from"] <= auc["high"]
    (swap,) = found["swap"]
    assert (swap["rows"], swap["rows_with_actual_values"]) == (5000, 5000)
    assert swap["changed"] == sum(move["rows"] for move in swap["moves"]) > 0
    (warning,) = found["warnings"]
    assert " of 5,000 rows of this file are among those that " in warning
    assert "error[compare.count]" in cli.refused("compare", uris[0])


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "json", "parquet"])
def test_score_keeps_rows_order_and_own_columns(cli: Cli, trained: dict[str, Any], tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out.{suffix}"
    result = cli.json("score", "--data", sample_scoring_path(), "--out", out)
    assert (result["rows"], result["model"], result["out"]) == (500, trained["leader"]["uri"], str(out))
    assert set(result["seconds"]) == {"read", "check", "predict", "write", "total"}
    source = list(csv.DictReader(sample_scoring_path().read_text("utf-8").splitlines()))
    rows = _read(out)
    # A number of a workbook has no integer type: 105001.0 is what Excel shows as 105001.
    assert [str(row["customer_id"]).removesuffix(".0") for row in rows] == [row["customer_id"] for row in source]
    assert list(rows[0])[-3:] == ["prediction", "probability_no", "probability_yes"]
    threshold = result["threshold"]
    for row in rows:
        assert row["prediction"] == ("yes" if float(row["probability_yes"]) >= threshold else "no")
    if suffix == "csv":
        assert [row["region_code"] for row in rows] == [row["region_code"] for row in source]


def _read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".csv":
        return list(csv.DictReader(path.read_text("utf-8").splitlines()))
    if path.suffix == ".json":
        found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
        return found
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    header, *rows = openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_every_way_to_name_the_model_gives_the_same_rows(cli: Cli, trained: dict[str, Any], tmp_path: Path) -> None:
    outs = []
    for number, uri in enumerate(("models:/sample@champion", "models:/sample/1", trained["leader"]["uri"], "best")):
        out = tmp_path / f"{number}.csv"
        cli.json("score", "--data", sample_scoring_path(), "--out", out, "--model", uri)
        outs.append(out.read_text())
    assert len(set(outs[:3])) == 1


def test_explain_writes_files_without_computing_again(cli: Cli, trained: dict[str, Any], tmp_path: Path) -> None:
    files = cli.json("explain", trained["leader"]["uri"], "--out", tmp_path / "why")["files"]
    assert files
    assert all(Path(file).stat().st_size > 0 for file in files)


def test_promote_makes_another_model_the_champion(cli: Cli, trained: dict[str, Any]) -> None:
    second = cli.json("leaderboard", trained["run_id"])["rows"][1]["uri"]
    assert cli.json("promote", second, "--note", "simpler") == {
        "experiment": "sample",
        "version": 2,
        "alias": "champion",
    }
    cli.json("promote", trained["leader"]["uri"])


def test_profile_names_columns_and_alerts(cli: Cli) -> None:
    found = cli.json("profile", "--data", sample_training_path(), "--target", "interested")
    assert found["rows"] == 5000
    assert {"name", "type", "missing", "unique"} <= set(found["columns"][0])
    assert all({"code", "column", "severity", "message"} <= set(alert) for alert in found["alerts"])


def test_doctor_finds_everything_and_starts_nothing(tmp_path: Path) -> None:
    checks = Cli(tmp_path / "new").json("doctor")["checks"]
    assert all(check["ok"] for check in checks), checks
    assert not (tmp_path / "new").exists()


def test_bad_input_is_refused_with_code_and_hint(cli: Cli, trained: dict[str, Any], tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.touch()
    short = tmp_path / "short.csv"
    short.write_text("customer_id,age\n1,44\n")
    out = tmp_path / "out.csv"
    assert "error[file.empty]" in cli.refused("train", "--data", empty, "--target", "x")
    assert "error[file.not_found]" in cli.refused("train", "--data", tmp_path / "none.csv", "--target", "x")
    assert "error[target." in cli.refused("train", "--data", sample_training_path(), "--target", "nope")
    assert "error[schema.missing_columns]" in cli.refused("score", "--data", short, "--out", out)
    assert "error[file.unsupported]" in cli.refused("score", "--data", short, "--out", tmp_path / "out.pdf")
    assert "error[model.not_found]" in cli.refused(
        "score", "--data", sample_scoring_path(), "--out", out, "--model", "models:/m-" + "0" * 32
    )
    assert "error[run.not_found]" in cli.refused("leaderboard", "0" * 32)
    assert not out.exists()


def test_a_flipped_byte_in_a_stored_model_is_noticed_and_nothing_is_scored(
    cli: Cli, trained: dict[str, Any], tmp_path: Path
) -> None:
    leader = trained["leader"]["uri"].removeprefix("models:/")
    (mojo,) = (cli.home / "mlruns" / "artifacts").rglob(f"{leader}/**/model.mojo.zip")
    content = bytearray(mojo.read_bytes())
    content[len(content) // 2] ^= 1
    mojo.write_bytes(content)
    try:
        out = tmp_path / "out.csv"
        said = cli.refused("score", "--data", sample_scoring_path(), "--out", out, "--model", f"models:/{leader}")
        assert "error[model.tampered]" in said
        assert not out.exists()
    finally:
        content[len(content) // 2] ^= 1
        mojo.write_bytes(content)


def test_no_wait_needs_an_app_on_the_same_home(cli: Cli, trained: dict[str, Any]) -> None:
    said = cli.refused(
        "train", "--data", sample_training_path(), "--target", "interested", "--experiment", "sample", "--no-wait"
    )
    assert "No app is running on this home" in said


def test_data_is_added_in_versions_and_listed(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("Price list\nname;price\nAnn;1,5\nBob;2,5\nTotal;4,0\n")
    first = cli.json("data", "add", path, "--name", "prices", "--type", "name=text")
    assert (first["name"], first["version"], first["rows"], first["is_new"]) == ("prices", 1, 2, True)
    assert first["columns"] == [{"name": "name", "type": "text"}, {"name": "price", "type": "numeric"}]
    assert first["read_as"].startswith("Semicolon-separated, UTF-8, header in row 2, decimal comma")
    assert len(first["warnings"]) == 2
    second = cli.json("data", "add", path, "--as-version-of", "prices", "--skip-footer", 0, "--separator", "semicolon")
    assert (second["name"], second["version"], second["rows"]) == ("prices", 2, 3)
    assert cli.json("data", "add", path)["is_new"] is False
    listed = [(one["name"], one["version"]) for one in cli.json("data", "list")["datasets"]]
    assert [one for one in listed if one[0] == "prices"] == [("prices", 2), ("prices", 1)]
    assert "error[file.options]" in cli.refused("data", "add", path, "--separator", ";;")
    assert "error[file.not_found]" in cli.refused("data", "add", tmp_path / "none.csv")
    assert "error[dataset.not_found]" in cli.refused("data", "add", path, "--as-version-of", "nobody")
    assert "error[schema.type]" in cli.refused("data", "add", path, "--type", "name")
    assert "error[target." in cli.refused("train", "--data", "prices@1", "--target", "name")


def test_retrain_learns_from_a_newer_version_and_compares_on_rows_that_neither_model_has(
    cli: Cli, trained: dict[str, Any], tmp_path: Path
) -> None:
    champion = cli.json("history", "--experiment", "sample")["champions"][0]["model"]
    nothing = cli.json("retrain", "--experiment", "sample")
    assert (nothing["result"], nothing["run_id"], nothing["champion"]) == ("nothing new", None, champion)
    rows = list(csv.DictReader(sample_training_path().read_text("utf-8").splitlines()))[:600]
    newer = tmp_path / "newer.csv"
    with newer.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "customer_id": f"9{row['customer_id']}"} for row in rows)
    (name,) = {one["name"] for one in cli.json("data", "list")["datasets"] if one["rows"] == 5000}
    cli.json("data", "add", newer, "--as-version-of", name)
    found = cli.json("retrain", "--experiment", "sample", "--promote", "never", "--person", "Ann")
    assert found["rows"] == {"trained": 300, "new": 600, "compared": 300}
    assert (found["champion"], found["metric"], found["promoted"]) == (champion, "auc", False)
    assert found["low"] <= found["to"] - found["from"] <= found["high"]
    assert cli.json("review", "models:/sample@challenger", "--comment", "seen")["model"] == found["challenger"]
    assert cli.json("retrain", "--experiment", "sample")["result"] == "nothing new"
    assert "error[experiment.none]" in cli.refused("retrain", "--experiment", "nobody's")
