"""Columns proposed as a target."""

import pytest

from core.domain.columns import Column, Schema
from core.training.plan.likely import likely_targets


def proposed(**types: str) -> tuple[str, ...]:
    return likely_targets(Schema(tuple(Column(name, kind) for name, kind in types.items())))


@pytest.mark.parametrize(
    ("types", "first"),
    [
        ({"age": "numeric", "Response": "category", "region": "category"}, "Response"),
        ({"is_fraud": "numeric", "amount": "numeric", "place": "category"}, "amount"),
        ({"carat": "numeric", "sold-at price": "numeric", "x": "numeric"}, "sold-at price"),
        ({"mpg": "numeric", "weight": "numeric"}, "weight"),
        ({"classroom": "category", "yes": "category"}, "yes"),
        ({"sales_channel": "category", "price code": "category", "bought": "category"}, "bought"),
    ],
)
def test_names_of_targets_come_before_the_last_column(types, first):
    assert proposed(**types)[0] == first


def test_what_cannot_be_learned_is_not_proposed():
    assert proposed(label="text", target="date", y="id") == ()
    assert proposed(age="numeric", label="text") == ("age",)


def test_three_at_most_and_each_once():
    found = proposed(y="numeric", label="category", outcome="category", target="category")
    assert found == ("target", "outcome", "label")
