"""T21: what is installed is pinned with hashes, whatever index it comes from."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[\w,]+\])?==([^\s;\\]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """Return package and version of each pin in a file."""
    found = _PIN.findall((ROOT / name).read_text(encoding="utf-8"))
    return {package.lower().replace("_", "-").replace(".", "-"): version for package, version in found}


@pytest.mark.parametrize(("asked", "lock"), [("requirements.txt", "requirements.lock"), ("requirements-dev.txt",) * 2])
def test_t21_each_requirement_is_one_version(asked: str, lock: str):
    lock = lock.replace("dev.txt", "dev.lock")
    wanted, locked = pins(asked), pins(lock)
    lines = [line for line in (ROOT / asked).read_text(encoding="utf-8").splitlines() if line[:1] not in ("", "#", "-")]
    assert len(wanted) == len(lines), "a requirement without =="
    assert {name: locked.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_t21_each_locked_package_has_hashes_and_no_address(lock: str):
    text = (ROOT / lock).read_text(encoding="utf-8")
    packages = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    assert len(packages) > 80
    assert not [package.splitlines()[0] for package in packages if "--hash=sha256:" not in package]
    assert "://" not in text


def test_t21_setup_takes_nothing_without_a_hash_and_runs_no_code_of_a_package():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    container = (ROOT / "Containerfile").read_text(encoding="utf-8")
    for text in (makefile, container):
        assert "--require-hashes --only-binary :all:" in text
