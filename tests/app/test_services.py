"""The services of the app: built once, by the launcher or by who needs them first, until the app is closed."""

import threading
from collections.abc import Iterator

import pytest

from app.ui import services
from core.errors import StoreBusyError, StoreCorruptError, StoreError
from tests.browser.driver import wait_until
from tests.fixtures_runs import Home

WAIT_S = 20


class Build:
    """Stands for `core.services.build`: hands out the services of a home after the errors that a test says."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.errors: list[StoreError] = []
        self.calls = 0
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.may_end.set()

    def __call__(self, _settings: object) -> object:
        self.calls += 1
        self.begun.set()
        assert self.may_end.wait(WAIT_S)
        if self.errors:
            raise self.errors.pop(0)
        return self.home.services


@pytest.fixture
def build(fresh_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Build]:
    """An app that has built nothing yet, on a home of its own."""
    made = Build(fresh_home)
    monkeypatch.setattr("core.services.build", made)
    monkeypatch.setattr(services, "_RETRY_S", 0.01)
    monkeypatch.setattr(services, "_freeze", lambda: None)
    services.set_services(None)
    services.page_shown()
    yield made
    services.close()
    for thread in threading.enumerate():
        if thread.name == "bellwether-start":
            thread.join(WAIT_S)
    services.set_services(None)


def test_who_comes_first_builds_them_and_they_begin_to_work(build):
    found = services.get_services()
    assert services.get_services() is found
    assert build.calls == 1
    assert found.jobs.is_working
    assert found.scorings.is_working
    services.close()
    assert not found.jobs.is_working


def test_a_busy_store_at_the_start_is_tried_again_without_a_page(build):
    build.errors = [StoreBusyError("Busy.") for _ in range(3)]
    services.start_in_background()
    wait_until(lambda: services.find_services() is not None, WAIT_S, "the services")
    assert build.calls == 4
    assert services.find_services().jobs.is_working
    assert services.find_trouble() is None


def test_a_home_that_cannot_be_opened_is_told(build):
    build.errors = [StoreCorruptError("Damaged.") for _ in range(1000)]
    services.start_in_background()
    wait_until(services.find_trouble, WAIT_S, "the error")
    assert services.find_trouble().code == "store.corrupt"
    assert services.find_services() is None


def test_a_server_looks_after_its_databases_again_and_again(build, monkeypatch):
    rounds, damaged = [], StoreCorruptError("Damaged.")

    def maintain(_services: object) -> None:
        rounds.append(services.find_trouble())
        if len(rounds) == 2:
            raise damaged

    monkeypatch.setattr(type(build.home.services), "maintain", maintain)
    monkeypatch.setattr(services, "_MAINTAIN_S", 0.01)
    services.start_in_background()
    wait_until(lambda: len(rounds) >= 4, WAIT_S, "four rounds")
    assert rounds[:4] == [None, None, damaged, None]


def test_a_page_after_the_close_builds_nothing(build):
    services.close()
    with pytest.raises(StoreError, match="is stopping") as caught:
        services.get_services()
    assert caught.value.code == "store.closed"
    assert build.calls == 0


def test_what_is_built_while_the_app_closes_is_not_kept(build, monkeypatch):
    monkeypatch.setattr(services, "_CLOSE_WAIT_S", 0.01)
    build.may_end.clear()
    caught: list[StoreError] = []

    def open_page() -> None:
        try:
            services.get_services()
        except StoreError as error:
            caught.append(error)

    page = threading.Thread(target=open_page)
    page.start()
    assert build.begun.wait(WAIT_S)
    services.close()
    build.may_end.set()
    page.join(WAIT_S)
    assert [error.code for error in caught] == ["store.closed"]
    assert services.find_services() is None
    assert not build.home.services.jobs.is_working
