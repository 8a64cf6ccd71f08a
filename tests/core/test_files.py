"""Atomic files: whole or not at all, owner only, and a full disk is a `DiskFullError`."""

import errno
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import DiskFullError
from core.files import atomic_path, check_free_space, disk_errors, make_folder
from core.settings import Settings


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_atomic_path_puts_the_whole_file_in_place(tmp_path):
    target = tmp_path / "new" / "deep" / "a.csv"
    with atomic_path(target) as temporary:
        temporary.write_text("x")
        assert not target.exists()
        assert temporary.parent == target.parent
        assert temporary.suffix == ".csv"
    assert target.read_text() == "x"
    assert names_in(target.parent) == ["a.csv"]
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.parent.stat().st_mode & 0o777 == 0o700
    assert target.parent.parent.stat().st_mode & 0o777 == 0o700


def test_atomic_path_keeps_the_old_file_when_the_block_fails(tmp_path):
    target = tmp_path / "a.csv"
    target.write_text("old")
    with pytest.raises(KeyError), atomic_path(target) as temporary:  # noqa: PT012 - the block is what is tested
        temporary.write_text("half")
        raise KeyError
    assert target.read_text() == "old"
    assert names_in(tmp_path) == ["a.csv"]


@pytest.mark.parametrize(("lasting", "n_synced"), [(True, 2), (False, 0)])
def test_only_a_lasting_file_waits_for_the_disk(tmp_path, monkeypatch, lasting, n_synced):
    synced = []
    monkeypatch.setattr("core.files.sync", synced.append)
    with atomic_path(tmp_path / "a.csv", lasting=lasting) as temporary:
        temporary.write_text("whole")
    assert names_in(tmp_path) == ["a.csv"]
    assert len(synced) == n_synced


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT])
def test_no_space_becomes_disk_full(tmp_path, number):
    with pytest.raises(DiskFullError) as caught, atomic_path(tmp_path / "a"):
        raise OSError(number, "x")
    assert caught.value.code == "disk.full"
    assert names_in(tmp_path) == []


def test_other_os_errors_pass(tmp_path):
    with pytest.raises(FileNotFoundError), disk_errors(tmp_path):
        raise FileNotFoundError


def test_make_folder_leaves_an_existing_folder_as_it_is(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir(mode=0o755)
    make_folder(folder / "b")
    assert folder.stat().st_mode & 0o777 == 0o755
    assert (folder / "b").stat().st_mode & 0o777 == 0o700


def test_make_folder_refuses_a_file_in_the_way(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(NotADirectoryError):
        make_folder(tmp_path / "a" / "b")


def test_a_real_file_size_limit_leaves_nothing_behind(tmp_path):
    target = tmp_path / "big.bin"
    target.write_text("old")
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from core.errors import DiskFullError\nfrom core.files import atomic_path\n"
        "try:\n    with atomic_path(Path(sys.argv[1])) as path:\n        path.write_bytes(bytes(10**6))\n"
        "except DiskFullError as error:\n    print(error.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(target)],
        cwd=Path(__file__).parents[2],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout == "disk.full\n", done.stderr
    assert target.read_text() == "old"
    assert names_in(tmp_path) == ["big.bin"]


def test_check_free_space(tmp_path):
    missing = tmp_path / "not" / "yet"
    check_free_space(missing, Settings(home=tmp_path, min_free_bytes=1))
    with pytest.raises(DiskFullError) as caught:
        check_free_space(missing, Settings(home=tmp_path, min_free_bytes=2**60))
    assert "BELLWETHER_MIN_FREE" in caught.value.hint
