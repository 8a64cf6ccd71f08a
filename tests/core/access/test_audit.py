"""The audit as people read it."""

from datetime import UTC, datetime, timedelta

import pytest

from core.access.audit import NOT_SIGNED_IN


@pytest.fixture
def audit(own_home):
    return own_home.services.audit


def test_things_have_names_and_every_line_says_who(own_home, audit):
    services = own_home.services
    champion = services.store.champion("customers")
    model = next(model for model in services.store.models(experiment="customers") if not model.version)
    _, token = services.tokens.create("nightly", person="ada")
    services.ledger.record("score", champion.uri, person="ada")
    services.ledger.record("compare", model.uri, person="ada")
    services.ledger.record("delete dataset", own_home.dataset.id)
    services.ledger.record("delete run", "f" * 32, person="ada")
    services.ledger.record("challenger", "models:/customers/99", person="ada")
    services.live.change("max_queue", "9", seen=0, person="ada")
    found = {line.action: line for line in audit.lines()}
    assert found["train"].on == "run customers #1"
    assert found["score"].on == f"customers, version {champion.version}"
    assert found["compare"].on == model.model_key
    assert found["delete dataset"].on == own_home.dataset.label
    assert found["create token"].on == token.name
    assert found["setting"].on == "BELLWETHER_MAX_QUEUE"
    assert found["delete run"].on == "f" * 32  # gone: nobody knows its name any more
    assert found["challenger"].on == "customers, version 99"
    assert all(line.who for line in audit.lines())
    assert found["delete dataset"].who == NOT_SIGNED_IN


def test_lines_are_found_by_person_action_time_and_thing(own_home, audit):
    ledger = own_home.services.ledger
    ledger.record("comment", "sales", person="ada", detail={"text": "Why?"})
    ledger.record("comment", "houses", person="bea")
    assert [line.on for line in audit.lines(person="ada")] == ["sales"]
    assert [line.on for line in audit.lines(action="comment")] == ["houses", "sales"]
    assert [line.on for line in audit.lines(about="WHY?")] == ["sales"]
    assert audit.lines(person=NOT_SIGNED_IN, action="comment") == ()
    assert len(audit.lines(limit=1)) == 1
    now = datetime.now(UTC)
    assert audit.lines(since=now + timedelta(days=1)) == ()
    assert audit.lines(until=now - timedelta(days=1)) == ()
    assert [line.on for line in audit.lines(action="comment", since=now - timedelta(days=1))] == ["houses", "sales"]
    assert {"ada", "bea", NOT_SIGNED_IN} <= set(audit.people())
    assert {"comment", "train"} <= set(audit.actions())
