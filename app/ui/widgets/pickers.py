"""Choices that follow links and other pages."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.ui import state, visits
from app.ui.widgets.layout import choice_label, choice_labels
from app.ui.widgets.text import escape_markdown
from core.domain.datasets import Dataset
from core.domain.runs import RunInfo
from core.training.plan.likely import MOST, likely_targets
from core.wording import cut_text

if TYPE_CHECKING:
    from core.data.datasets.registry import Datasets
    from core.store.mlflow import Store

_NAME_CHARS = 40
_LATEST_RUNS = 50  # among which the last target of a dataset is looked for


def choose(key: str, options: Iterable[object], *, first: object = None, link: state.Thing | None = None) -> None:
    """Give the widget `key` its value before it is drawn: the one it has while that is an option, else `first`.

    Where `first` is no option, the first one there is. With `link`, what was last chosen of that thing is `first`, and
    a link that is opened while the widget holds another value wins; a person's own choice is left alone.
    """
    session, known, seen = st.session_state, tuple(options), f"linked.{key}"
    linked = st.query_params.get(link) if link else None
    if linked is not None and linked in known and session.get(seen) != linked:
        session[key] = linked
    elif key not in session or session[key] not in known:
        wanted = state.remembered(link) if link else first
        session[key] = wanted if wanted in known else next(iter(known), None)
    if link:
        session[seen] = session[key]


def follow(
    key: str,
    options: Iterable[str],
    *,
    param: str,
    first: str | None = None,
    usual: str | None = None,
    words: Callable[[str], str] = str,
    below: Sequence[str] = (),
) -> None:
    """Do what `choose` does, and keep the choice in the page's address, where a reload or a link finds it again.

    Parameters
    ----------
    param : str
        The parameter of the address; left out while the choice is `usual`, or `first` where that is not given.
    words : callable
        Makes what stands in the address of an option.
    below : sequence of str
        Parameters that say more about this choice: they go when a person chooses another one.
    """
    session, query, known, seen = st.session_state, st.query_params, tuple(options), f"linked.{key}"
    texts = {words(option): option for option in known}
    start = first if first in known else next(iter(known), None)
    was, linked = session.get(seen), query.get(param)
    is_drawn = session.get(key) in known  # on the page before: what was chosen there may differ from the address
    if linked is not None and linked in texts and not (is_drawn and linked == was):
        session[key] = texts[linked]
    elif not is_drawn:
        session[key] = start
    now = "" if session[key] is None else words(session[key])
    if was is not None and was != now and linked != now:
        for name in below:
            query.pop(name, None)
    session[seen] = now
    if session[key] == (usual or start):
        query.pop(param, None)
    elif linked != now:
        query[param] = now


def switch(
    label: str, options: Sequence[str], *, key: str, param: str, is_labelled: bool = True, below: Sequence[str] = ()
) -> str:
    """Draw a row of options, the first of which is shown first, and keep the choice in the address; see `follow`."""
    follow(key, options, param=param, words=slug, below=below)
    chosen = st.segmented_control(
        label, options, key=key, required=True, wrap=True, format_func=choice_labels(str),
        label_visibility="visible" if is_labelled else "collapsed",
    )  # fmt: skip
    return chosen or options[0]


def follow_tabs(key: str, labels: Sequence[str], *, param: str) -> None:
    """Do what `follow` does, for `app.ui.widgets.layout.tabs`."""
    names = {choice_label(label): slug(label) for label in labels}
    follow(key, names, param=param, words=names.__getitem__)


def slug(words: str) -> str:
    """Return a choice as it stands in an address.

    Examples
    --------
    >>> slug("Weak spots")
    'weak-spots'
    """
    return words.lower().replace(" ", "-")


def dataset_picker(datasets: "Datasets", *, key: str, label: str = "Dataset") -> Dataset | None:
    """Draw a choice of dataset that follows links and the other pages; None when there is no dataset."""
    known = {dataset.id: dataset for dataset in datasets.list()}
    wanted = st.query_params.get("dataset")
    if wanted and wanted not in known:
        st.warning("The dataset of this link no longer exists.", icon=":material/link_off:")
        state.forget("dataset")
    if not known:
        return None
    choose(key, known, link="dataset")
    chosen = st.selectbox(label, tuple(known), key=key, format_func=lambda dataset_id: known[dataset_id].label)
    state.remember("dataset", chosen)
    visits.note("dataset", chosen)
    return known[chosen]


def last_target(store: "Store", dataset_id: str) -> str | None:
    """Return what was last trained on a dataset; None where nothing was, or not lately."""
    run = _last_run(store, dataset_id)
    return run.settings.target if run else None


def last_experiment(store: "Store", dataset_id: str, target: str) -> str | None:
    """Return where this target of a dataset was last trained; None where it was not, or not lately."""
    run = _last_run(store, dataset_id, target)
    return run.experiment if run else None


def _last_run(store: "Store", dataset_id: str, target: str | None = None) -> RunInfo | None:
    return next(
        (
            run
            for run in store.list_runs(limit=_LATEST_RUNS)
            if run.settings.dataset_id == dataset_id and target in (None, run.settings.target)
        ),
        None,
    )


def propose_targets(store: "Store", dataset: Dataset, words: str, *, key: str, sets: str) -> None:
    """Draw a button for each column that the target is likely to be; what was last trained on comes first.

    Parameters
    ----------
    words : str
        Stands above them; nothing is drawn where no column is likely.
    sets : str
        The widget that a button gives its column to.
    """
    last = last_target(store, dataset.id)
    likely = [name for name in likely_targets(dataset.schema) if name != last]
    can_be = {column.name for column in dataset.schema.columns if column.type in ("numeric", "category")}
    proposed = [*([last] if last in can_be else []), *likely][:MOST]
    if not proposed:
        return
    st.caption(words)
    with st.container(horizontal=True, gap="small"):
        for place, name in enumerate(proposed):
            st.button(
                escape_markdown(cut_text(name, _NAME_CHARS)),
                key=f"{key}_{place}",
                icon=":material/history:" if name == last else ":material/target:",
                on_click=_take,
                args=(sets, name),
            )


def _take(key: str, name: str) -> None:
    st.session_state[key] = name
