"""The Containerfile: linted, without root, with a health check; no engine builds it here."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_it_passes_its_linter_runs_without_root_and_says_when_it_is_well():
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, ROOT / "Containerfile"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    stages = [line for line in text.splitlines() if line.startswith("FROM ")]
    assert len(stages) == 2
    assert "\nUSER 10001\n" in text
    assert "/healthz" in text.partition("\nHEALTHCHECK ")[2]


def test_all_that_it_copies_is_there_and_let_in():
    lines = (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    copied = [line.split()[1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    let_in = {
        line[1:] for line in (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"
    }
    assert set(copied) == let_in
    assert all((ROOT / path).exists() for path in copied)
