"""Which MOJOs stay in the engine: those in use and those used last; against the real engine."""

import hashlib
from pathlib import Path

import pytest

from core.engine import H2OEngine
from core.engine.rest import loaded
from core.engine.rest.loaded import LoadedModels
from tests.fixtures_engine import Trained

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def mojos(engine: H2OEngine, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, str]]:
    folder = tmp_path_factory.mktemp("mojos")
    found = []
    for number, key in enumerate(trained.state.models):
        path = folder / f"{number}.zip"
        engine.models.save_mojo(key, path)
        found.append((path, hashlib.sha256(path.read_bytes()).hexdigest()))
    assert len({sha256 for _, sha256 in found}) >= 3
    return found


def test_the_mojo_that_nobody_used_for_longest_goes(engine: H2OEngine, mojos: list[tuple[Path, str]]) -> None:
    client = engine._server.client()
    kept = LoadedModels(engine._server, max_mojos=2)

    def use(number: int) -> str:
        with kept.hold_mojo(*mojos[number]) as key:
            assert loaded.exists(client, key)
        return key

    first, second = use(0), use(1)
    assert use(0) == first  # loaded once
    third = use(2)
    assert [loaded.exists(client, key) for key in (first, second, third)] == [True, False, True]
    frames = {frame["frame_id"]["name"] for frame in client.get("/3/Frames")["frames"]}
    assert not frames & set(loaded.mojo_keys(second))
    assert use(1) != second  # loaded anew


def test_a_mojo_in_use_or_asked_for_a_moment_ago_stays(engine: H2OEngine, mojos: list[tuple[Path, str]]) -> None:
    client = engine._server.client()
    kept = LoadedModels(engine._server, max_mojos=1)
    with kept.hold_mojo(*mojos[0]) as held:
        bare = kept.load_mojo(*mojos[1])
        with kept.hold_mojo(*mojos[2]) as other:
            pass
        with kept.hold_mojo(*mojos[0]) as again:
            assert again == held
        assert loaded.exists(client, held)
        assert loaded.exists(client, bare)
        assert not loaded.exists(client, other)
