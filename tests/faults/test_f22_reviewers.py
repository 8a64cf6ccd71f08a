"""F22: eight people write and eight read at once; no comment, approval or promotion is lost, and all is answered.

4 seconds in `make test`; with BELLWETHER_SOAK=1 (`make soak`) 60, of which 99 reads of 100 take half a second at most.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from core.errors import AliasMovedError
from core.ledger.database import Ledger
from core.review.reviews import Reviews
from core.settings import Settings
from core.store.mlflow import Store
from tests.fixtures_store import add_run, make_details

pytestmark = pytest.mark.soak

N_PEOPLE = 8
SECONDS, READ_S = (60.0, 0.5) if os.environ.get("BELLWETHER_SOAK") else (4.0, None)


def test_f22_nothing_that_eight_people_say_at_once_is_lost(settings: Settings, store: Store, tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(b"mojo")
    run_id = add_run(store)
    ids = [store.add_model(run_id, make_details(f"GBM_{n}"), "binary") for n in range(N_PEOPLE)]
    for model_id in ids:
        store.save_model_files(model_id, {"model.bin": file})
    store.set_status(run_id, "finished")
    models = [store.resolve(f"models:/{model_id}") for model_id in ids]
    shared, until = models[0], time.monotonic() + SECONDS

    def write(number: int) -> tuple[list[str], int, int]:
        mine = Reviews(settings, Store(settings, attempts=5), Ledger(settings.ledger_path))
        said, promoted, told = [], 0, 0
        while time.monotonic() < until:
            text = f"{number}.{len(said)}"
            act = mine.comment if len(said) % 3 else mine.approve
            act(shared, text, person=f"person {number}")
            said.append(text)
            try:
                mine.promote(models[number], text, person=f"person {number}")
                promoted += 1
            except AliasMovedError:
                told += 1
        return said, promoted, told

    def read(number: int) -> list[float]:
        """Read what the page of a model shows, as often as there is time; return how long each took."""
        one = Store(settings)
        mine, seen, took = Reviews(settings, one, Ledger(settings.ledger_path)), 0, []
        while time.monotonic() < until:
            begun = time.monotonic()
            thread = mine.of_model(one.resolve(shared.uri)).thread
            mine.history("sales")
            one.models(experiment="sales", limit=100)
            one.champion("sales")
            took.append(time.monotonic() - begun)
            assert len(thread) >= seen  # what was seen once is there for ever
            seen = len(thread)
        return took

    with ThreadPoolExecutor(2 * N_PEOPLE) as pool:
        readers = [pool.submit(read, number) for number in range(N_PEOPLE)]
        written = list(pool.map(write, range(N_PEOPLE)))
        reads = [took for reader in readers for took in reader.result()]

    reviews = Reviews(settings, store, Ledger(settings.ledger_path))
    thread = reviews._table.list(f"model:{shared.id}", limit=1_000_000)
    assert sorted(entry.text for entry in thread) == sorted(text for said, _, _ in written for text in said)
    history = reviews._champions.list("sales", limit=1_000_000)
    assert len(history) == sum(promoted for _, promoted, _ in written) > 0
    assert store.champion_version("sales") == history[0].version
    before = [entry.version for entry in history[1:]] + [None]
    assert [entry.from_version for entry in history] == before
    assert len(reads) >= N_PEOPLE
    if READ_S is not None:  # with nothing else on the machine
        assert np.quantile(reads, 0.99) <= READ_S
