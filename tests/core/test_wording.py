"""Numbers, lists, sizes and times in words, once for the whole product."""

import math
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from core import wording

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (12_345, "12,345 rows"), (-1, "-1 rows")]
)
def test_counts_agree_with_their_noun(count, said):
    assert wording.count_text(count, "row") == said


def test_nouns_with_a_plural_of_their_own():
    assert wording.count_text(2, "policy", "policies") == "2 policies"
    assert (wording.cells_text(1), wording.cells_text(2_000)) == ("1 cell has", "2,000 cells have")
    assert wording.unreadable_text(1, "date") == "1 cell is not a date; it counts as missing."
    assert wording.unreadable_text(2_000, "numeric") == "2,000 cells are not numbers; they count as missing."


@pytest.mark.parametrize(
    ("names", "said"),
    [("", ""), ("a", "a"), ("ab", "a and b"), ("abc", "a, b and c"), ("abcd", "a, b, c and 1 more")],
)
def test_lists_end_in_and_or_in_how_many_more(names, said):
    assert wording.list_text(names, 3) == said


def test_a_list_may_know_of_more_than_it_is_given_and_draws_what_it_names_only():
    drawn = []
    assert wording.list_text(["a", "b"], 1, show=lambda name: drawn.append(name) or name.upper(), n_all=2_001) == (
        "A and 2,000 more"
    )
    assert drawn == ["a"]


def test_long_text_is_cut_to_its_length():
    assert wording.cut_text("x" * 60) == "x" * 60
    assert wording.cut_text("x" * 61) == "x" * 59 + "…"
    assert wording.cut_text("two words", 5) == "two…"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0"), (36.0, "36"), (-1234.0, "-1,234"), (0.123456, "0.1235"), (999.94, "999.9"), (1234.5, "1,234"),
        (1e-9, "1e-09"), (1e30, "1e+30"), (math.inf, "inf"), (math.nan, "nan"),
    ],
)  # fmt: skip
def test_numbers_have_the_digits_that_help(value, said):
    assert wording.number_text(value) == said
    assert wording.metric_text(value) == said


def test_more_digits_can_be_asked_for_and_no_metric_is_a_dash():
    assert wording.number_text(12_345.678, 6) == "12,345.7"
    assert wording.metric_text(None) == "–"


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0%"), (0.0004, "0.040%"), (0.0312, "3.1%"), (0.256, "26%"), (0.994, "99%"), (0.9965, "99.7%"),
        (0.9996, "99.960%"), (1.0, "100%"),
    ],
)  # fmt: skip
def test_shares_have_more_digits_near_the_ends(share, said):
    assert wording.percent_text(share) == said


@pytest.mark.parametrize(
    ("n_bytes", "said"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1 KiB"),
        (3_200_000, "3.1 MiB"),
        (2 * 1024**3, "2 GiB"),
        (1024**5, "1,024 TiB"),
    ],
)
def test_sizes_are_in_the_unit_that_reads_best(n_bytes, said):
    assert wording.bytes_text(n_bytes) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.42, "0.4 s"), (10, "10 s"), (83, "1 min 23 s"), (3600, "1 h 0 min"), (7262, "2 h 1 min")],
)
def test_durations(seconds, said):
    assert wording.duration_text(seconds) == said


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(-1), "just now"), (timedelta(seconds=59), "just now"), (timedelta(seconds=60), "1 minute ago"),
        (timedelta(hours=3), "3 hours ago"), (timedelta(days=7), "7 days ago"), (timedelta(days=8), "12 May 2026"),
    ],
)  # fmt: skip
def test_how_long_ago(ago, said):
    assert wording.ago_text(NOW - ago, NOW) == said


def test_days_and_moments_are_written_as_people_do():
    berlin = datetime(2026, 11, 9, 18, 20, tzinfo=timezone(timedelta(hours=1)))
    assert wording.day_text(date(2026, 11, 9)) == "9 Nov 2026"
    assert wording.time_text(berlin) == "9 Nov 2026, 17:20 UTC"
    assert wording.time_text(berlin.replace(tzinfo=None)) == "9 Nov 2026, 18:20 UTC"
