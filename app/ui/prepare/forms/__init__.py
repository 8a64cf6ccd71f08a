"""The form of each kind of step: it asks only what that step needs and begins with what the data suggests."""

from collections.abc import Callable, Mapping

from app.ui.prepare.forms import columns, dates, levels, numbers
from app.ui.prepare.forms.form import KIND, Fields, Form

__all__ = ["KIND", "Fields", "Form", "fields_for"]

_FORMS: Mapping[str, Callable[[Form], Fields]] = {
    "impute": columns.impute,
    "drop": columns.drop,
    "rename": columns.rename,
    "cast": columns.cast,
    "parse_date": dates.parse_date,
    "date_parts": dates.date_parts,
    "clip": numbers.clip,
    "bin": numbers.ranges,
    "min_max": numbers.scale,
    "standardize": numbers.scale,
    "group_rare": levels.group_rare,
    "map_levels": levels.map_levels,
    "one_hot": levels.one_hot,
    "label_encode": levels.label_encode,
    "arithmetic": numbers.arithmetic,
    "drop_duplicates": columns.drop_duplicates,
}


def fields_for(kind: str, form: Form) -> Fields:
    """Draw the form of a kind of step and return the fields filled in; None while something is missing."""
    return _FORMS[kind](form)
