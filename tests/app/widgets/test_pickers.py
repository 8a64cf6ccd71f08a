"""What a widget begins with: what it has, a link, what was chosen elsewhere, or the first there is."""

import pytest
import streamlit as st

from app.ui.widgets.pickers import choose

OPTIONS = ("a", "b", "c")


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    kept: dict[str, object] = {}
    monkeypatch.setattr(st, "session_state", kept)
    monkeypatch.setattr(st, "query_params", {})
    return kept


@pytest.mark.parametrize(
    ("has", "first", "expected"),
    [({}, None, "a"), ({}, "b", "b"), ({}, "gone", "a"), ({"key": "c"}, "b", "c"), ({"key": "gone"}, "b", "b")],
)
def test_what_is_an_option_stays(session, has, first, expected):
    session.update(has)
    choose("key", OPTIONS, first=first)
    assert session["key"] == expected


def test_none_can_be_an_option_and_is_what_there_is_without_any(session):
    choose("key", (None, *OPTIONS))
    assert session["key"] is None
    session["key"] = "a"
    choose("key", ())
    assert session["key"] is None


def test_a_link_wins_once(session):
    session |= {"key": "a", "chosen.run": "c"}
    st.query_params["run"] = "b"
    choose("key", OPTIONS, link="run")
    assert session["key"] == "b"
    session["key"] = "a"  # a person's own choice, while the address still says b
    choose("key", OPTIONS, link="run")
    assert session["key"] == "a"
    del session["key"], st.query_params["run"]
    choose("key", OPTIONS, link="run")
    assert session["key"] == "c"
