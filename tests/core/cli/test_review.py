"""``promote``, ``history`` and ``review``, as a person types them."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from core.cli.main import _parser
from core.errors import ReviewError
from core.review.reviews import Reviews
from core.settings import load_settings
from tests.fixtures_runs import Home

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(own_home: Home, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command of one home and return its JSON."""
    from contextlib import nullcontext

    monkeypatch.setattr("core.cli.main._services", lambda *args, **options: nullcontext(run_.services))

    def run_(*words: str) -> dict[str, Any]:
        args = _parser().parse_args(words)
        found: dict[str, Any] = json.loads(json.dumps(args.command(args, own_home.services.settings), default=str))
        return found

    run_.services = own_home.services
    return run_


def test_promote_history_and_review_answer_as_promised(own_home: Home, run: Run):
    leader, second = own_home.services.store.models(run_id=own_home.runs[0].run_id)[:2]
    assert run("review", second.uri, "--comment", "**simpler**", "--person", "Ann") == {
        "model": second.uri,
        "state": "open",
        "comments": run("review", second.uri, "--propose", "fast", "--person", "Ann")["comments"][:1],
    }
    assert run("review", second.uri, "--reject", "too weak", "--person", "Bob")["state"] == "rejected"
    found = run("review", second.uri, "--approve", "good after all", "--person", "Bob")
    assert found["state"] == "approved"
    assert [(one["person"], one["kind"], one["text"]) for one in found["comments"]] == [
        ("Ann", "comment", "**simpler**"), ("Ann", "proposed", "fast"), ("Bob", "rejected", "too weak"),
        ("Bob", "approved", "good after all"),
    ]  # fmt: skip
    promoted = run("promote", second.uri, "--note", "simpler", "--person", "Ann")
    assert promoted == {"experiment": "customers", "version": 2, "alias": "champion"}
    newest, first = run("history", "--experiment", "customers")["champions"]
    assert newest == {
        "version": 2, "model": second.uri, "promoted_at": newest["promoted_at"], "person": "Ann", "why": "simpler",
        "approved_by": "Bob", "from_version": 1, "automatic": False, "outside": False,
    }  # fmt: skip
    assert (first["version"], first["model"], first["automatic"], first["approved_by"]) == (1, leader.uri, True, None)
    assert newest["promoted_at"] > first["promoted_at"]


def test_nobody_hides_behind_the_command_line_where_two_people_are_needed(own_home: Home, run: Run):
    services = own_home.services
    strict = load_settings({"BELLWETHER_FOUR_EYES": "yes", "BELLWETHER_HOME": str(services.settings.home)})
    assert strict.four_eyes
    run.services = replace(services, settings=strict, reviews=Reviews(strict, services.store, services.ledger))
    second = services.store.models(run_id=own_home.runs[0].run_id)[1]
    for words in (("review", second.uri, "--approve", "fine"), ("promote", second.uri, "--note", "better")):
        with pytest.raises(ReviewError) as caught:
            run(*words)
        assert caught.value.code == "review.who"
    run("review", second.uri, "--approve", "fine", "--person", "Bob")
    assert run("promote", second.uri, "--note", "better", "--person", "Ann")["version"] == 2


@pytest.mark.parametrize(
    "words", [("review", "models:/a/1"), ("review", "m", "--approve", "x", "--reject", "y"), ("history",)]
)
def test_what_is_left_out_or_contradicts_itself_is_refused_by_the_parser(words, capsys):
    with pytest.raises(SystemExit) as caught:
        _parser().parse_args(words)
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err
