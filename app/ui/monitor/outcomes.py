"""The Outcomes view of the Monitor page: upload actual outcomes, and see them against what was promised."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from app.ui.data import uploads
from app.ui.errors import guard
from app.ui.monitor.drift import file_label
from app.ui.monitor.seen import Seen
from app.ui.services import needs
from app.ui.widgets.layout import chart, warnings_list
from app.ui.widgets.models.metrics import metric_name
from app.ui.widgets.tables import written
from app.ui.widgets.text import escape_markdown
from core.data.reading.reader import READABLE_EXTENSIONS
from core.domain.models import ORIGIN_NAMES
from core.ledger.outcome_records import Realised
from core.ledger.scoring_records import ScoringRecord
from core.wording import count_text

if TYPE_CHECKING:
    from core.services import Services

_TABLE, _DONE = "monitor.outcomes", "monitor.outcomes_done"


def draw(seen: Seen, services: "Services") -> None:
    """Draw how the predictions turned out, then the form to upload more actual outcomes."""
    # The field keeps its place among its neighbours whatever is drawn above it: in another place it is another field to
    # the browser, and a file on its way into it would be lost.
    with st.container():
        if done := st.session_state.pop(_DONE, None):
            st.success(done, icon=":material/check_circle:")
        if known := seen.known():
            _metrics(seen, known)
            _last(seen, known)
    _hand_in(seen, services)
    if seen.files:
        with st.expander(f"{count_text(len(seen.files), 'file')} uploaded"):
            _files(seen)


def _files(seen: Seen) -> None:
    import pyarrow as pa

    columns = {
        "When": pa.array([one.at for one in seen.files], pa.timestamp("ms", "UTC")),
        "File": [one.file_name for one in seen.files],
        "Rows": [one.n_rows for one in seen.files],
        "Id": [one.id_column for one in seen.files],
        "Outcome": [one.target_column for one in seen.files],
        "Who": [one.person or "–" for one in seen.files],
    }
    config = {"When": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm")}
    st.dataframe(
        pa.table(columns), hide_index=True, placeholder="–", key="monitor_outcome_files", column_config=config,
        alt="Files of actual outcomes, newest first",
    )  # fmt: skip


def _metrics(seen: Seen, known: tuple[tuple[int, ScoringRecord, Realised], ...]) -> None:
    from core.charts import monitor as charts_monitor
    from core.charts.monitor import Point

    first = known[-1][2]
    origins = {ORIGIN_NAMES[one.origin] for _, _, one in known if one.origin}
    promise = f"dashed: promised by {' or '.join(sorted(origins))}" if origins else "nothing was promised"
    bad = {alert.scoring_id for alert in seen.alerts if alert.kind == "metric"}
    name = metric_name(first.headline)
    main, calibration, profit = [], [], []
    for place, _, one in known:
        rows = f"{one.found.n_rows:,} of {one.n_scored:,} rows with an actual outcome"
        if one.value is not None:
            ends, is_bad = (one.found.low, one.found.high), one.scoring_id in bad
            main.append(Point(place, one.value, *ends, one.promise, rows, is_bad))
        if one.found.reliability is not None:
            said = one.promised.reliability.ece if one.promised and one.promised.reliability else None
            calibration.append(Point(place, one.found.reliability.ece, promised=said, words=rows))
        if one.found.profit is not None:
            said = one.promised.profit.total if one.promised and one.promised.profit else None
            brings = one.found.profit
            profit.append(Point(place, brings.total, brings.low, brings.high, said, rows))
    figures = [(name, main, "monitor_metric")]
    if calibration:
        figures.append(("Calibration error (ECE)", calibration, "monitor_ece"))
    if profit:
        figures.append((f"Profit for 1,000 rows{_unit(seen)}", profit, "monitor_profit"))
    for column, (title, points, key) in zip(st.columns(len(figures)), figures, strict=True):
        with column:
            figure = charts_monitor.over_time(seen.records, points, title, promise)
            chart(figure, key=key, alt=f"{title} of each file, against what was promised")
    if calibration and not profit:
        st.caption("Save a policy with what right and wrong decisions bring (Explain, Decision) to see profit here.")


def _unit(seen: Seen) -> str:
    units = {r.summary.money.unit for r in seen.records if r.summary and r.summary.money and r.summary.money.unit}
    return f", {units.pop()}" if len(units) == 1 else ""


def _last(seen: Seen, known: tuple[tuple[int, ScoringRecord, Realised], ...]) -> None:
    by_id = {record.id: (record, one) for _, record, one in known[::-1]}
    chosen = st.selectbox(
        "File",
        tuple(by_id),
        key=f"monitor_realised_{seen.experiment}",
        format_func=lambda key: file_label(by_id[key][0]),
    )
    one = by_id[chosen][1]
    left, right = st.columns([3, 2], gap="large")
    with left:
        _numbers(one)
    if one.found.reliability is not None:
        from core.charts import models as charts_models

        with right:
            origin = f"{one.found.n_rows:,} rows whose actual outcome is known"
            figure = charts_models.calibration_curve(one.found.reliability, str(one.positive), origin=origin)
            chart(figure, key="monitor_calibration", alt="Share of positive rows by predicted probability")


def _numbers(one: Realised) -> None:
    """Draw all metrics beside what was promised."""
    promised = one.promised.metrics if one.promised else {}
    origin = ORIGIN_NAMES[one.origin] if one.origin else "promised"
    rows = [
        {
            "Metric": metric_name(name),
            "Actual": value,
            f"Promised ({origin})": promised.get(name),
        }
        for name, value in one.found.metrics.items()
    ]
    if one.found.actual is not None:
        said, came = ("Mean prediction", "Mean actual outcome") if one.task == "regression" else (
            "Mean probability", "Share of positive rows")  # fmt: skip
        before = one.promised
        rows += [
            {
                "Metric": said,
                "Actual": one.found.predicted,
                f"Promised ({origin})": before.predicted if before else None,
            },
            {"Metric": came, "Actual": one.found.actual, f"Promised ({origin})": before.actual if before else None},
        ]
    cells, config = written(rows, ("Actual", f"Promised ({origin})"))
    st.dataframe(
        cells, hide_index=True, key="monitor_numbers", alt="Metrics on actual outcomes and as promised",
        placeholder="–",
        column_config=config,
    )  # fmt: skip
    notes = [f"{one.found.n_rows:,} of {one.n_scored:,} rows have an actual outcome"]
    if one.n_repeated:
        notes.append(f"{count_text(one.n_repeated, 'row')} left out: their id repeats")
    if one.n_unusable:
        notes.append(f"{count_text(one.n_unusable, 'row')} left out: the model does not know their actual outcome")
    st.caption(" ".join((f"{'; '.join(notes)}.", *map(escape_markdown, one.notes))))


def _hand_in(seen: Seen, services: "Services") -> None:
    with st.container(border=True):
        st.markdown("**Upload actual outcomes**")
        st.caption(
            "A file with the id of each row, as when it was scored, and its actual outcome. Some rows are enough."
        )
        received = st.file_uploader(
            "File with ids and actual outcomes", type=list(READABLE_EXTENSIONS), key="monitor_upload",
            max_upload_size=max(1, services.settings.max_upload_bytes // 1024**2), label_visibility="collapsed",
            **needs("monitor.add_outcomes"),
        )  # fmt: skip
        if received is not None:
            with guard(), st.spinner("Reading the file"):
                _keep(uploads.spill(received, services.settings), seen, services)
        kept = st.session_state.get(_TABLE)
        if kept is None or kept[0] != seen.experiment:
            return
        _, upload, names, guess = kept
        with st.form("monitor_outcomes_form", border=False):
            st.caption(f"**{escape_markdown(upload.name)}**: which columns hold the id and the actual outcome?")
            first, second = st.columns(2)
            id_column = first.selectbox("Id", names, index=_place(names, guess[0]), key="monitor_id")
            target = second.selectbox("Actual outcome", names, index=_place(names, guess[1]), key="monitor_target")
            sent = st.form_submit_button(
                "Compare", key="monitor_compare", type="primary", icon=":material/join_inner:",
                **needs("monitor.add_outcomes"),
            )  # fmt: skip
        if sent and id_column and target:
            with guard(stop=False), st.spinner("Comparing"):
                _add(seen, services, id_column, target)


def _keep(upload: uploads.Upload, seen: Seen, services: "Services") -> None:
    """Read a file of actual outcomes and keep its columns."""
    import pyarrow.parquet as pq

    old = st.session_state.pop(_TABLE, None)
    if old is not None:
        _table_path(old[1]).unlink(missing_ok=True)
    info = services.monitor.read_outcomes(upload.path, upload.name, _table_path(upload))
    upload.discard()
    names = tuple(pq.read_schema(_table_path(upload)).names)
    guess = services.monitor.guess_columns(seen.experiment, names)
    st.session_state[_TABLE] = (seen.experiment, upload, names, guess)
    warnings_list(info.warnings)


def _add(seen: Seen, services: "Services", id_column: str, target: str) -> None:
    import pyarrow.parquet as pq

    upload = st.session_state[_TABLE][1]
    table = pq.read_table(_table_path(upload), columns=list(dict.fromkeys((id_column, target))))
    added = services.monitor.add_outcomes(seen.experiment, table, id_column, target, upload.name)
    _table_path(upload).unlink(missing_ok=True)
    del st.session_state[_TABLE]
    gone = f" Scorings whose model was deleted: {added.n_gone:,}." if added.n_gone else ""
    st.session_state[_DONE] = (
        f"{count_text(added.n_rows, 'actual outcome')} uploaded: {count_text(added.n_matched, 'row')} of "
        f"{count_text(added.n_scorings, 'file')} can now be compared.{gone}"
    )
    st.rerun()


def _table_path(upload: uploads.Upload) -> Path:
    return upload.path.with_name(f"{upload.path.name}.parquet")


def _place(names: tuple[str, ...], name: str | None) -> int | None:
    return names.index(name) if name in names else None
