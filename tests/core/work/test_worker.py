"""The one loop of background work: when it steps, how long it waits after an error, and that only `stop` ends it."""

import re
import threading
import time
from collections.abc import Iterator

import pytest

from core.errors import StoreBusyError
from core.work.worker import Worker

WAIT_S = 20.0


class Clock(threading.Event):
    """Notes how long somebody wanted to wait, and hardly waits."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout)
        return super().wait(0.001)


class Work(Worker):
    """Notes what is asked of it, and raises what a test says: the errors of each method, in their order."""

    def __init__(self, interval_s: float = 3600, **errors: list[Exception | None]) -> None:
        super().__init__("work", interval_s)
        self.errors = errors
        self.calls: list[str] = []
        self.done = threading.Event()
        self._stopping = Clock()

    def _note(self, call: str) -> None:
        self.calls.append(call)
        planned = self.errors.get(call.partition(" ")[0])
        if planned and (error := planned.pop(0)) is not None:
            raise error

    def settle(self) -> None:
        self._note("settle")

    def step(self) -> None:
        self._note("step")
        if not any(self.errors.values()):
            self.done.set()

    def drop(self, reference: str) -> None:
        self._note(f"drop {reference}")


@pytest.fixture
def start() -> Iterator[object]:
    """Start work, wait until all its errors are raised, and stop it at the end."""
    started: list[Work] = []

    def start(work: Work) -> Work:
        started.append(work)
        work.start()
        assert work.done.wait(WAIT_S)
        return work

    yield start
    for work in started:
        work.stop()
        work.join()
        assert not work.is_working


def busy(n: int) -> list[Exception | None]:
    return [StoreBusyError("The store is busy.") for _ in range(n)]


def test_it_settles_once_and_then_steps(start) -> None:
    work = start(Work())
    work.done.clear()
    work.wake()
    assert work.done.wait(WAIT_S)
    assert work.calls == ["settle", "step", "step"]


def test_it_settles_again_until_that_succeeds(start, caplog) -> None:
    work = start(Work(settle=[*busy(2), ZeroDivisionError()]))
    assert [call.split()[0] for call in work.calls] == ["settle"] * 3 + ["drop", "settle", "step"]
    assert "The store is busy." in caplog.text


def test_an_expected_error_is_waited_out_longer_each_time_up_to_a_limit(start) -> None:
    work = start(Work(step=busy(6)))
    assert work._stopping.pauses == [0.5, 1, 2, 4, 8, 8]


def test_the_next_trouble_begins_with_a_short_pause_again(start) -> None:
    work = start(Work(interval_s=0.001, step=[*busy(3), None, *busy(1)]))
    assert work._stopping.pauses == [0.5, 1, 2, 0.5]


def test_a_bug_is_logged_with_a_reference_dropped_by_it_and_does_not_spin(start, caplog) -> None:
    work = start(Work(step=[ZeroDivisionError(), ZeroDivisionError()]))
    references = re.findall(r"ref (\w+)", caplog.text)
    assert len(set(references)) == 2
    assert work.calls == ["settle", "step", f"drop {references[0]}", "step", f"drop {references[1]}", "step"]
    assert "ZeroDivisionError" in caplog.text
    assert work._stopping.pauses == [0.5, 1]


def test_what_met_a_bug_is_dropped_again_until_that_succeeds(start, caplog) -> None:
    work = start(Work(step=[ZeroDivisionError()], drop=[*busy(1), KeyError()]))
    (reference,) = set(re.findall(r"ref (\w+)", caplog.text))
    assert work.calls == ["settle", "step", *[f"drop {reference}"] * 3, "step"]


def test_a_stop_does_not_wait_for_the_interval() -> None:
    work = Work()
    work.start()
    assert work.done.wait(WAIT_S)
    begun = time.monotonic()
    work.stop()
    work.join()
    assert not work.is_working
    assert time.monotonic() - begun < WAIT_S / 2


def test_it_can_be_started_again_and_is_one_thread_only() -> None:
    work = Work()
    for _ in range(2):
        work.done.clear()
        work.start()
        work.start()
        assert work.done.wait(WAIT_S)
        assert [thread.name for thread in threading.enumerate()].count("work") == 1
        work.stop()
        work.join()
        assert not work.is_working
    assert work.calls == ["settle", "step"] * 2


def test_a_kind_of_work_that_says_nothing_but_its_step_is_enough(caplog) -> None:
    class Least(Worker):
        def step(self) -> None:
            self.stop()

    least = Least("least", 3600)
    least.start()
    least.join()
    assert not least.is_working
    assert "bug" not in caplog.text
