"""How a finished run is verified: rebuilt by a script of its own, or trained again and compared."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.services import get_services, needs
from app.ui.widgets.models.metrics import metric_label
from app.ui.widgets.text import escape_markdown
from core.domain.models import ModelInfo
from core.domain.runs import Difference, RunInfo, Verdict
from core.files import scratch
from core.training.proof.verification import obstacles
from core.wording import count_text

if TYPE_CHECKING:
    from core.services import Services
    from core.training.proof.reproduce import Bundle

_DIFFERENCES_SHOWN = 12


def badge(run: RunInfo) -> None:
    """Draw what training the run again has shown, in two words; nothing when nobody has tried."""
    verdict = run.verification
    if verdict is None:
        return
    if verdict.is_same:
        st.badge("Verified", icon=":material/verified:", color="green")
    else:
        st.badge("Results differ", icon=":material/difference:", color="orange")


def panel(run: RunInfo) -> None:
    """Draw the verdict that there is, the downloads and the button, for a run that has finished."""
    if run.status != "finished":
        return
    if run.verifies:
        st.caption(":material/replay: This run trained another run again, to compare the two. It publishes no version.")
    title = "Trained again to verify" if run.verifies else "Reproduce and verify"
    with st.expander(title, on_change="rerun", key="run_reproduce") as drawer:
        if drawer.open:
            with guard(stop=False):
                _content(run)


def _content(run: RunInfo) -> None:
    verdict = run.verification
    if verdict is not None:
        _verdict(verdict, run.verifies or verdict.rerun_id, is_rerun=bool(run.verifies))
    code, again = st.columns(2, gap="large")
    with code:
        _downloads(run)
    if not run.verifies:
        with again:
            _rerun(run, known=verdict is not None)


def _verdict(verdict: Verdict, other: str, *, is_rerun: bool) -> None:
    models, metrics = count_text(verdict.n_models, "model"), count_text(verdict.n_metrics, "metric")
    if verdict.is_same:
        st.success(
            f"{models} with {metrics} agree; the largest difference is {verdict.largest:.1g}.",
            title="Trained again: the same leaderboard",
            icon=":material/verified:",
        )
    else:
        reasons = "\n".join(f"- {escape_markdown(reason)}" for reason in verdict.reasons)
        why = f"This was to be expected:\n\n{reasons}" if reasons else "No known cause explains it."
        st.warning(f"{why}", title="Trained again: not the same leaderboard", icon=":material/difference:")
        _differences(verdict)
    word = "Open the run it was compared with" if is_rerun else "Open the run that trained it again"
    navigation.link("runs", word, icon=":material/open_in_new:", run=other)


def _differences(verdict: Verdict) -> None:
    if not verdict.is_same_order and not verdict.differences:
        st.caption("The models are the same; the leaderboard lists them in another order.")
        return
    records = [_record(difference) for difference in verdict.differences[:_DIFFERENCES_SHOWN]]
    number = st.column_config.NumberColumn
    config = {"First run": number(format="%.10g"), "Again": number(format="%.10g"), "Difference": number(format="%.3g")}
    st.dataframe(
        records,
        hide_index=True,
        placeholder="–",
        column_config=config,
        alt="The largest differences between the two runs",
    )
    if len(verdict.differences) > _DIFFERENCES_SHOWN:
        st.caption(f"The {_DIFFERENCES_SHOWN} largest of {len(verdict.differences)} differences or more.")


def _record(difference: Difference) -> dict[str, object]:
    first, again = difference.first, difference.again
    if not difference.metric:
        which = "only in the first run" if again is None else "only in the second run"
        return {"Model": difference.step, "Metric": which, "First run": None, "Again": None, "Difference": None}
    gap = None if first is None or again is None else again - first
    label = metric_label(difference.metric)
    return {"Model": difference.step, "Metric": label, "First run": first, "Again": again, "Difference": gap}


def _downloads(run: RunInfo) -> None:
    st.markdown("**As code**")
    st.caption(
        "A script and a notebook in plain h2o and mlflow that rebuild this run and compare the leaderboard. They need "
        "the prepared rows, just as H2O got them, and check their sha256; the zip file has them beside it."
    )
    with st.container(horizontal=True, gap="small"):
        for label, name, mime, key, icon in (
            ("Script, notebook and data", "zip", "application/zip", "run_rebuild_zip", ":material/folder_zip:"),
            ("Script", "py", "text/x-python", "run_rebuild_py", ":material/code:"),
            ("Notebook", "ipynb", "application/x-ipynb+json", "run_rebuild_ipynb", ":material/menu_book:"),
        ):
            st.download_button(
                label, _maker(get_services(), run, name), f"rebuild_{run.run_id[:8]}.{name}", mime, key=key, icon=icon,
                on_click="ignore",
            )  # fmt: skip


def _maker(services: "Services", run: RunInfo, kind: str) -> Callable[[], bytes]:
    """Return what makes a download when it is asked for: the data is prepared again, which takes seconds."""

    def make() -> bytes:
        from core.training.proof.reproduce import make_bundle

        with scratch(services.settings, "rebuild-") as folder:
            bundle = make_bundle(run, services.store, services.datasets, services.settings, folder)
            return _bytes(bundle, kind, folder)

    return make


def _bytes(bundle: "Bundle", kind: str, folder: Path) -> bytes:
    if kind == "zip":
        bundle.zip_to(folder / "all.zip")
        return (folder / "all.zip").read_bytes()
    return (bundle.script if kind == "py" else bundle.notebook).encode()


def _rerun(run: RunInfo, *, known: bool) -> None:
    services = get_services()
    models = services.store.models(run_id=run.run_id, limit=10_000)
    st.markdown("**Train again and compare**")
    tries = _tries(services, run)
    if going := next((other for other in tries if not other.is_final), None):
        st.caption("It is being trained again now.")
        navigation.link("train", "Watch it", icon=":material/visibility:", run=going.run_id)
        return
    reasons = _reasons(services, run, models)
    if reasons:
        st.caption("The results may differ:\n" + "\n".join(f"- {escape_markdown(r)}" for r in reasons))
    elif not known:
        st.caption("Nothing should prevent it: the same leaderboard, to within a billionth, is expected.")
    label = "Re-run and verify again" if known else "Re-run and verify"
    if st.button(label, key="run_verify", icon=":material/replay:", **needs("jobs.submit")):
        # Two clicks, or two tabs, make one run; after that has ended the next one is another.
        key = f"verify:{run.run_id}:{len(tries)}"
        started = services.jobs.submit(run.settings, key=key, verifies=run.run_id)
        services.engine.start_in_background()
        navigation.go("train", run=started)


def _tries(services: "Services", run: RunInfo) -> list[RunInfo]:
    """Return the runs that train a run again, newest first."""
    others = services.store.list_runs(experiment=run.experiment, archived=None, limit=10_000)
    return [other for other in others if other.verifies == run.run_id]


def _reasons(services: "Services", run: RunInfo, models: Sequence[ModelInfo]) -> tuple[str, ...]:
    engine = services.engine.describe() if services.engine.status().state == "ready" else None
    return obstacles(run, models, services.datasets.find_id(run.settings.dataset_id), engine)
