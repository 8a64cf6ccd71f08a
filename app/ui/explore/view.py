"""What the Explore page knows of a dataset: computed once, kept beside it, and the chosen slice."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import streamlit as st

from app.ui.widgets.pickers import follow, last_target
from core.data.drift.compare import Drift, Reference, compare, make_reference
from core.data.profiling.gaps import Gaps, find_gaps
from core.data.profiling.profile import ColumnProfile, Profile, profile_columns
from core.data.profiling.slices import Filter, count_inside, filter_mask
from core.data.profiling.words import count_words
from core.data.relations.associations import Associations, Method, find_associations
from core.data.relations.leakage import Leakage, find_leakage
from core.data.relations.pairs import Pair, look_at_pair
from core.data.relations.relations import Relation, rank_relations, relation_to_target
from core.data.relations.timelines import Timeline, make_timeline
from core.data.tables.batches import Load, filtered
from core.domain.columns import COLUMN_TYPES
from core.domain.datasets import Dataset
from core.plain import from_plain, to_plain

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.data.datasets.opened import OpenedDataset
    from core.data.datasets.registry import Datasets
    from core.store.mlflow import Store

T = TypeVar("T")
_NO_TARGET = "No target"
_SMALL_CELLS = 1_000_000
_FORMAT = 3  # of what is kept beside a dataset: another number rebuilds it


@dataclass(frozen=True)
class ExploreView:
    """A dataset, the chosen target, and the slice of its rows."""

    datasets: "Datasets"
    data: "OpenedDataset"
    target: str | None = None
    filters: tuple[Filter, ...] = ()

    @property
    def dataset(self) -> Dataset:
        """The dataset's description."""
        return self.data.about

    @property
    def load(self) -> Load:
        """Returns columns of all rows."""
        return self.data.load

    @property
    def load_slice(self) -> Load:
        """Returns columns of the rows of the slice."""
        return filtered(self.load, get_mask(self)) if self.filters else self.load

    @property
    def n_inside(self) -> int:
        """Rows of the slice."""
        return int(np.count_nonzero(get_mask(self))) if self.filters else self.dataset.n_rows

    @property
    def key(self) -> tuple[str, str]:
        """What changes when the dataset does, or a type."""
        return self.dataset.id, self.dataset.schema.digest()


def choose_target(dataset: Dataset, place: "DeltaGenerator", store: "Store") -> str | None:
    """Draw the choice of a target, which is remembered for each dataset: at first what was last trained on it.

    None without one.
    """
    session = st.session_state
    chosen: dict[str, str] = session.setdefault("explore.targets", {})
    targets = [column.name for column in dataset.schema.columns if column.type in ("numeric", "category")]
    options = [_NO_TARGET, *targets]
    if dataset.id not in chosen:
        chosen[dataset.id] = last_target(store, dataset.id) or ""
    if session.get("explore.targets_of") not in (None, dataset.id):
        session.pop("explore_target", None)
        if st.query_params.get("target") == session.get("linked.explore_target"):  # else it came with a link
            st.query_params.pop("target", None)
    follow("explore_target", options, param="target", first=chosen.get(dataset.id), usual=_NO_TARGET)
    session["explore.targets_of"] = dataset.id
    target = place.selectbox("Target", options, key="explore_target", help="What you want to predict later.")
    chosen[dataset.id] = target
    return None if target == _NO_TARGET else target


def types_text(profile: Profile) -> str:
    """Return how many columns there are of each type."""
    counts = Counter(column.type for column in profile.columns)
    return " · ".join(f"{counts[kind]:,} {kind}" for kind in COLUMN_TYPES if counts[kind])


# --- of all rows, kept beside the dataset ----------------------------------------------------------------------------


def get_plain_profile(view: ExploreView) -> Profile:
    """Return the profile of all rows, whatever the target is: it is there sooner."""
    dataset = view.dataset
    return _kept(view, "profile", Profile, lambda: profile_columns(view.load, dataset.schema, dataset.n_rows))


def get_small_profile(datasets: "Datasets", dataset: Dataset) -> Profile | None:
    """Return the profile for pages that are about something else; None of tables that take longer than such a page."""
    if dataset.n_rows * dataset.n_columns > _SMALL_CELLS or dataset.remote is not None:
        return None
    with st.spinner("Looking at every column"):
        return get_plain_profile(ExploreView(datasets, datasets.open(dataset.id)))


def get_profile(view: ExploreView) -> Profile:
    """Return the profile of all rows, whose alerts look at the target."""
    profile = get_plain_profile(view)
    return profile if view.target is None else profile.with_target(view.target, get_leakage(view, view.target))


def get_leakage(view: ExploreView, target: str) -> Leakage:
    """Return how well each column alone predicts the target."""
    dataset = view.dataset
    make = lambda: find_leakage(view.load, dataset.schema, target, dataset.n_rows)  # noqa: E731
    return _kept(view, f"leakage {target}", Leakage, make)


def get_ranking(view: ExploreView, target: str) -> dict[str, float]:
    """Return how strongly each column is related to the target, strongest first.

    DataError if the target is text, an id or a date.
    """
    dataset = view.dataset

    def make() -> dict[str, Any]:
        return {"ranked": rank_relations(view.load, dataset.schema, target, dataset.n_rows)}

    return dict(_kept(view, f"ranking {target}", dict, make)["ranked"])


def get_relation(view: ExploreView, column: str, target: str) -> Relation:
    """Return how the target varies over a column, over all rows.

    Raises
    ------
    DataError
        If the two cannot be related; the message says why.
    """
    make = lambda: relation_to_target(view.load([column, target]), view.dataset.schema, column, target)  # noqa: E731
    return _kept(view, f"relation {target} by {column}", Relation, make)


def get_associations(view: ExploreView, method: Method) -> Associations:
    """Return the square of associations: of the target and the columns most related to it, else of the first ones."""
    dataset, target = view.dataset, view.target
    order = [target, *get_ranking(view, target)] if target else []

    def make() -> Associations:
        return find_associations(view.load, dataset.schema, dataset.n_rows, order=order, method=method)

    return _kept(view, f"associations {method} {target or ''}", Associations, make)


def get_gaps(view: ExploreView, column: str, others: Sequence[str]) -> Gaps:
    """Return where values of a column are missing, and which others are missing with them."""
    make = lambda: find_gaps(view.load, column, others, view.dataset.n_rows)  # noqa: E731
    return _kept(view, f"gaps {column}", Gaps, make)


def get_words(view: ExploreView, column: str) -> tuple[tuple[tuple[str, int], ...], int]:
    """Return the frequent words of a text column with their rows, and how many rows were read."""

    def make() -> dict[str, Any]:
        words, rows = count_words(view.load, column, view.dataset.n_rows)
        return {"words": words, "rows": rows}

    kept = _kept(view, f"words {column}", dict, make)
    return tuple((word, n) for word, n in kept["words"]), kept["rows"]


def get_reference(view: ExploreView) -> Reference:
    """Return what other tables, and slices, are compared with."""
    dataset = view.dataset
    make = lambda: make_reference(view.load, dataset.schema, dataset.n_rows)  # noqa: E731
    return _kept(view, "reference", Reference, make)


def get_drift(view: ExploreView, other: Dataset) -> Drift:
    """Return how far another dataset is from the open one."""

    def make() -> Drift:
        load = view.datasets.open(other.id).load
        return compare(get_reference(view), load, other.schema, other.n_rows, was=view.load)

    return _kept(view, f"drift {other.id} {other.schema.digest()}", Drift, make)


def is_known(view: ExploreView, key: str) -> bool:
    """Whether something has been found out already, such as ``"profile"`` or ``"leakage TARGET"``."""
    return view.data.find_json(f"explore {_FORMAT} {key}") is not None


def _kept(view: ExploreView, key: str, kind: type[T], make: Callable[[], T]) -> T:
    plain = view.data.cached_json(f"explore {_FORMAT} {key}", lambda: to_plain(make()))
    return from_plain(kind, plain, what=f"what is known of dataset {view.dataset.id}")


# --- of a slice: kept in memory for a while --------------------------------------------------------------------------


def get_mask(view: ExploreView) -> np.ndarray:
    """Return which rows are in the slice (DataError if a filter does not fit the dataset any more)."""
    return _mask(view, view.key, view.filters)


def get_inside(view: ExploreView, column: ColumnProfile) -> tuple[int, ...]:
    """Count the rows of the slice in the bins, or at the levels, of a column of the whole table."""
    return _inside(view, view.key, view.filters, column.name, column)


def get_slice_drift(view: ExploreView) -> Drift:
    """Return how far the slice is from all rows."""
    return _slice_drift(view, view.key, view.filters)


def get_slice_relation(view: ExploreView, column: str, target: str) -> Relation:
    """Return how the target varies over a column within the slice, in the bins of the whole table."""
    return _slice_relation(view, view.key, view.filters, column, target)


def get_timeline(view: ExploreView, column: str) -> Timeline | None:
    """Return rows, and the target, over the periods of a date column; those of the slice too."""
    return _timeline(view, view.key, view.filters, column, view.target if view.target != column else None)


def get_pair(view: ExploreView, first: str, second: str) -> Pair:
    """Return two columns together, within the slice."""
    return _pair(view, view.key, view.filters, first, second)


@st.cache_data(max_entries=16, show_spinner=False)
def _mask(_view: ExploreView, key: tuple[str, str], filters: tuple[Filter, ...]) -> np.ndarray:
    return filter_mask(_view.load, _view.dataset.schema, filters, _view.dataset.n_rows)


@st.cache_data(max_entries=64, show_spinner=False)
def _inside(
    _view: ExploreView, key: tuple[str, str], filters: tuple[Filter, ...], name: str, _column: ColumnProfile
) -> tuple[int, ...]:
    return count_inside(_column, _view.load_slice([name])[name])


@st.cache_data(max_entries=16, show_spinner=False)
def _slice_drift(_view: ExploreView, key: tuple[str, str], filters: tuple[Filter, ...]) -> Drift:
    return compare(get_reference(_view), _view.load_slice, _view.dataset.schema, _view.n_inside)


@st.cache_data(max_entries=64, show_spinner=False)
def _slice_relation(
    _view: ExploreView, key: tuple[str, str], filters: tuple[Filter, ...], column: str, target: str
) -> Relation:
    typed = _view.load([column, target])
    return relation_to_target(typed, _view.dataset.schema, column, target, keep=get_mask(_view))


@st.cache_data(max_entries=32, show_spinner=False)
def _timeline(
    _view: ExploreView, key: tuple[str, str], filters: tuple[Filter, ...], column: str, target: str | None
) -> Timeline | None:
    names = [column] if target is None else [column, target]
    goal = None if target is None else _view.dataset.schema[target]
    return make_timeline(_view.load(names), column, goal, keep=get_mask(_view) if filters else None)


@st.cache_data(max_entries=32, show_spinner=False)
def _pair(_view: ExploreView, key: tuple[str, str], filters: tuple[Filter, ...], first: str, second: str) -> Pair:
    return look_at_pair(_view.load_slice, _view.dataset.schema, _view.n_inside, first, second)
