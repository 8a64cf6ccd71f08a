"""What a server was asked a moment ago: for how long it is remembered, and what ends it."""

import pytest

from core.errors import ModelNotFoundError
from core.store.remembered import REMEMBERED_S, Remembered


class Server:
    """Answers with the next number, and counts how often it was asked."""

    def __init__(self) -> None:
        self.n_asked = 0

    def ask(self) -> int:
        self.n_asked += 1
        return self.n_asked


def test_an_answer_is_remembered_for_some_seconds_by_its_key():
    now = [100.0]
    remembered, server = Remembered(lambda: now[0]), Server()
    assert [remembered.get((int, "a"), server.ask) for _ in range(3)] == [1, 1, 1]
    assert remembered.get((int, "b"), server.ask) == 2
    now[0] += REMEMBERED_S - 0.1
    assert remembered.get((int, "a"), server.ask) == 1
    now[0] += 0.2
    assert remembered.get((int, "a"), server.ask) == 3


def test_what_is_written_ends_it_also_while_the_server_is_asked():
    remembered, server = Remembered(), Server()
    assert remembered.get((int, "a"), server.ask) == 1
    remembered.clear()
    assert remembered.get((int, "a"), server.ask) == 2

    def written_meanwhile() -> int:
        found = server.ask()
        remembered.clear()
        return found

    assert remembered.get((int, "b"), written_meanwhile) == 3
    assert remembered.get((int, "b"), server.ask) == 4


def test_an_error_is_not_remembered():
    remembered, server = Remembered(), Server()

    def refuse() -> int:
        raise ModelNotFoundError("There is no model with this id.")

    for _ in range(2):
        with pytest.raises(ModelNotFoundError):
            remembered.get((int, "a"), refuse)
    assert remembered.get((int, "a"), server.ask) == 1
