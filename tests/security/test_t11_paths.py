"""T11: ids and file names that try to lead elsewhere find nothing, and nothing outside the home is opened."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from core.errors import StoreError
from core.settings import Settings
from core.store.items import Artifact
from core.store.mlflow import Store
from tests.fixtures_store import make_details

SECRET = "secret.txt"
# Those after the first gap are odd as ids, and as names of files that are there, but harmless as names of new files.
PAYLOADS = [
    "..", ".", "", "/", "//", "\\", "\0", "../secret.txt", "../../secret.txt", "../../../../../../../etc/passwd",
    "/etc/passwd", "//etc/passwd", "///etc/passwd", "file:///etc/passwd", "C:\\Windows\\win.ini", "C:secret.txt",
    "\\\\host\\share\\x", "//host/share/x", "..\\..\\secret.txt", "a/../../secret.txt", "a/./b", "./settings.json",
    "settings.json/", "settings.json/..", "%2e%2e/secret.txt", "%2e%2e%2fsecret.txt", "..%2fsecret.txt",
    "%2fetc%2fpasswd", "%252e%252e%252f", "..%c0%afsecret.txt", "..;/secret.txt", "....//secret.txt", "~/secret.txt",
    "settings.json#/../x", "settings.json?x=1", "settings.json\0.png", "~root", "$HOME/secret.txt", "a\nb",
    "http://127.0.0.1/x", "mlflow-artifacts:/x", "runs:/x/y", "x" * 5000, "\uff0e\uff0e/secret.txt", "' OR '1'='1",

    "link.txt", "links/secret.txt", "0" * 31, "0" * 33, "A" * 32, "m-" + "0" * 31, "m-" + "A" * 32, "\u0660" * 32,
]  # fmt: skip

HARMLESS = PAYLOADS.index("link.txt")

_opened: list[str] | None = None


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if _opened is not None and event in ("open", "sqlite3.connect", "os.listdir", "os.scandir"):
        _opened.append(str(arguments[0]))


sys.addaudithook(_watch)  # a hook cannot be taken away again; it is idle but for the blocks below


@contextmanager
def watched() -> Iterator[list[str]]:
    global _opened  # noqa: PLW0603 - the hook has no other way to know
    _opened = []
    try:
        yield _opened
    finally:
        _opened = None


@pytest.fixture
def calls(store: Store, settings: Settings, queue_run: Callable[..., str]) -> dict[str, Callable[[str], object]]:
    """Every way in which a name from outside reaches the store's files, by name."""
    run_id = queue_run()
    model_id = store.add_model(run_id, make_details(), "binary")
    mojo = settings.home / SECRET
    mojo.write_text("secret")
    store.save_model_files(model_id, {"model.bin": mojo})
    artifacts = store.artifact(run_id, "settings.json").parent
    (artifacts / "link.txt").symlink_to(mojo)
    (artifacts / "links").symlink_to(settings.home)
    return {
        "get_run": store.get_run,
        "artifacts": store.artifacts,
        "artifact of run": lambda name: store.artifact(name, "settings.json"),
        "artifact": lambda name: store.artifact(run_id, name),
        "models": lambda name: store.models(run_id=name),
        "update_run": lambda name: store.update_run(name, stage="b"),
        "delete_run": store.delete_run,
        "model_file of model": lambda name: store.model_file(name, "model.bin"),
        "model_file": lambda name: store.model_file(model_id, name),
        "register": store.register,
        "drop_model_files": store.drop_model_files,
        "resolve": store.resolve,
        "resolve in scheme": lambda name: store.resolve(f"models:/{name}"),
        "resolve version": lambda name: store.resolve(f"models:/{name}/1"),
    }


def test_names_that_lead_elsewhere_find_nothing(calls: dict[str, Callable[[str], object]], settings: Settings):
    answered = []
    with watched() as opened:
        for payload in PAYLOADS:
            for name, call in calls.items():
                try:
                    call(payload)
                except (LookupError, StoreError):
                    continue
                answered.append((name, payload))
    assert answered == []
    inside = (str(settings.data_dir), str(settings.mlruns_dir), settings.mlruns_dir.as_uri())
    assert [path for path in opened if not path.startswith(inside)] == []


def test_nothing_is_written_under_such_a_name(store: Store, settings: Settings, queue_run: Callable[..., str]):
    run_id = queue_run()
    before = sorted(settings.home.parent.rglob("*"))
    for payload in PAYLOADS[:HARMLESS]:
        with pytest.raises(StoreError):
            store.log(run_id, [Artifact(payload, b"x")])
    assert sorted(settings.home.parent.rglob("*")) == before
