"""What people do with a run: name, tag and note it, train with its settings again, archive it, delete it."""

from collections.abc import Sequence

import streamlit as st

from app.ui import navigation, state
from app.ui.errors import guard
from app.ui.services import get_services, needs
from app.ui.widgets.text import badge_text, escape_markdown
from core.domain.runs import RunInfo
from core.wording import ago_text, count_text

_MOST_COMPARED = 10
_NOTE_CHARS = 5000


def words(run: RunInfo) -> None:
    """Draw what people wrote about a run: tags and note."""
    if run.archived:
        text = f"Archived {ago_text(run.archived)}: not on leaderboards, and never the best. Its models still score."
        st.info(text, icon=":material/inventory_2:")
    if run.tags:
        with st.container(horizontal=True, gap="xsmall"):
            for tag in run.tags:
                st.badge(badge_text(tag), icon=":material/sell:", color="gray")
    if run.note:
        st.markdown("  \n".join(escape_markdown(line) for line in run.note.splitlines()), width="content")


def train_again(run: RunInfo) -> None:
    """Draw the button that opens Train with the settings of a run."""
    if not navigation.has_page("train") or get_services().datasets.find_id(run.settings.dataset_id) is None:
        return  # it is not for this role, or was trained in another home
    if st.button("Train with these settings", key="runs_clone", icon=":material/content_copy:"):
        state.propose_settings(run.settings)
        navigation.go("train")


def panel(run: RunInfo) -> None:
    """Draw what can be changed about a run."""
    _describe(run)
    if not run.is_final:
        st.caption("A run that waits or runs can be neither archived nor deleted. Cancel it first.")
        return
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, height="stretch"):
        _archive(run)
    with right, st.container(border=True, height="stretch"):
        _delete(run)


def selected(runs: Sequence[RunInfo]) -> None:
    """Draw what can be done with the runs that are ticked."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{count_text(len(runs), 'run')}** selected", width="content")
        if navigation.has_page("compare") and 2 <= len(runs) <= _MOST_COMPARED:
            navigation.button("compare", "Compare", key="runs_compare", primary=True, run=[run.run_id for run in runs])
        ended = [run for run in runs if run.is_final]
        if ended and ended[0].archived:
            if st.button(
                "Restore", key="runs_restore_selected", icon=":material/unarchive:", **needs("store.restore_run")
            ):
                _set_archived(ended, archived=False)
        elif ended and st.button(
            "Archive", key="runs_archive_selected", icon=":material/inventory_2:", **needs("store.archive_run")
        ):
            _set_archived(ended, archived=True)


def _describe(run: RunInfo) -> None:
    with st.form("runs_describe", border=False):
        save = needs("store.describe_run")
        name, tags = st.columns([1, 1], gap="medium")
        title = name.text_input("Name", run.name, key="runs_name", max_chars=200, disabled=save["disabled"])
        chosen = tags.multiselect(
            "Tags", run.tags, run.tags, key="runs_tags", accept_new_options=True,
            placeholder="Type a tag, press Enter", disabled=save["disabled"],
        )  # fmt: skip
        note = st.text_area(
            "Note",
            run.note,
            key="runs_note",
            max_chars=_NOTE_CHARS,
            placeholder="What this run was for, what it showed",
            disabled=save["disabled"],
        )
        if st.form_submit_button("Save", key="runs_describe_save", icon=":material/check:", **save):
            with guard(stop=False):
                get_services().store.describe_run(run.run_id, name=title, note=note, tags=chosen)
                st.toast("Saved.", icon=":material/check:")
                st.rerun()


def _archive(run: RunInfo) -> None:
    if run.archived:
        st.markdown("**Restore**")
        st.caption("The run is listed again, and its models are back on the leaderboard.")
        if st.button("Restore this run", key="runs_restore", icon=":material/unarchive:", **needs("store.restore_run")):
            _set_archived([run], archived=False)
        return
    st.markdown("**Archive**")
    st.caption("Out of the list and off the leaderboard, until you restore it. Its models still score.")
    if st.button("Archive this run", key="runs_archive", icon=":material/inventory_2:", **needs("store.archive_run")):
        _set_archived([run], archived=True)


def _set_archived(runs: Sequence[RunInfo], *, archived: bool) -> None:
    services = get_services()
    with guard(stop=False):
        for run in runs:
            (services.store.archive_run if archived else services.store.restore_run)(run.run_id)
            services.ledger.record("archive run" if archived else "restore run", run.run_id)
        st.toast(f"{count_text(len(runs), 'run')} {'archived' if archived else 'restored'}.", icon=":material/check:")
        st.rerun()


def _delete(run: RunInfo) -> None:
    """Say what deleting a run takes away and do it once confirmed, or say what stands in the way."""
    removals = get_services().removals
    planned = removals.plan(run)
    st.markdown("**Delete for good**")
    if planned.in_use:
        st.markdown("This run cannot be deleted, because one of its models is in use:")
        st.markdown("\n".join(f"- {escape_markdown(reason)}" for reason in planned.in_use))
        return
    st.caption(f"Removes {escape_markdown(planned.words())}. This cannot be undone.")
    sure = st.checkbox("I understand", key="runs_delete_sure")
    if st.button(
        "Delete this run", key="runs_delete", icon=":material/delete:", **needs("removals.remove", disabled=not sure)
    ):
        with guard(stop=False):
            removals.remove(run)
            state.forget("run")
            st.toast("The run has been deleted.", icon=":material/delete:")
            st.rerun()
