"""The report: every column and alert is in it, nothing is loaded from elsewhere, text from data stays text."""

import re

import pyarrow as pa
import pytest

from core.data.profiling.profile import Profile, profile_table
from core.data.relations.relations import rank_relations, relation_to_target
from core.data.tables.batches import load_from
from core.data.tables.schema import apply_schema, infer_schema
from core.report.dataset import MAX_COLUMNS, ReportInput, report_html, shown_columns
from tests.html_text import PageText, parse_html

EVIL = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def report() -> tuple[Profile, PageText]:
    n = 60
    source = pa.table(
        {
            EVIL: [EVIL, "b", "c"] * (n // 3),
            "amount": [str(k * 1.5) for k in range(n)],
            "text": [f"{EVIL} and a longer text number {k}, as people write it" for k in range(n)],
            "y": ["yes", "no"] * (n // 2),
        }
    )
    schema = infer_schema(source)
    table = apply_schema(source, schema)
    profile = profile_table(table, schema, target="y")
    ranking = dict(rank_relations(load_from(table), schema, "y", n))
    relations = {name: relation_to_target(table, schema, name, "y") for name in ranking}
    html = report_html(ReportInput(EVIL, profile, "y", ranking, relations, f"File {EVIL}."))
    return profile, parse_html(html)


def test_text_from_data_is_shown_literally(report: tuple[Profile, PageText]) -> None:
    _, parsed = report
    assert not [tag for tag, _ in parsed.tags if tag == "img"]
    assert not [attrs for _, attrs in parsed.tags if any(name.startswith("on") for name in attrs)]
    assert parsed.text.count(EVIL) > 5
    assert sum(tag == "h1" for tag, _ in parsed.tags) == 1


def test_nothing_comes_from_elsewhere(report: tuple[Profile, PageText]) -> None:
    _, parsed = report
    assert not [
        attrs for tag, attrs in parsed.tags if tag in ("script", "link", "img") and ("src" in attrs or "href" in attrs)
    ]
    policy = next(
        attrs["content"] for tag, attrs in parsed.tags if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert "default-src 'none'" in policy


def test_every_column_and_alert_is_in_it(report: tuple[Profile, PageText]) -> None:
    profile, parsed = report
    for column in profile.columns:
        assert column.name in parsed.text
    for alert in profile.alerts:
        assert alert.message in parsed.text
        assert alert.why in parsed.text
    sections = [attrs for tag, attrs in parsed.tags if tag == "section" and attrs.get("class") == "column"]
    assert [attrs["id"] for attrs in sections] == [f"c{k}" for k in range(4)]
    figures = [attrs for tag, attrs in parsed.tags if "plotly-graph-div" in (attrs.get("class") or "")]
    assert len(figures) == 4 + 2  # a distribution each, and a relation of the two that can be compared


@pytest.mark.slow
def test_a_wide_table_is_cut_and_says_so() -> None:
    source = pa.table({f"x{k}": ["1", "2", "5"] for k in range(MAX_COLUMNS + 20)})
    schema = infer_schema(source)
    profile = profile_table(apply_schema(source, schema), schema)
    parsed = parse_html(report_html(ReportInput("wide", profile, None, {}, {}, "File.")))
    assert f"Figures of the first {MAX_COLUMNS} of {MAX_COLUMNS + 20} columns." in parsed.text
    assert all(f"x{k}" in parsed.text for k in range(MAX_COLUMNS + 20))
    assert len(shown_columns(profile, {})) == MAX_COLUMNS
    assert shown_columns(profile, {"x119": 0.9})[0] == "x119"
    assert not re.search(r"\bNone\b", parsed.text)
