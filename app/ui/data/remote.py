"""Data that stays with a cluster: added by its address, and what the cluster has counted of it."""

from typing import TYPE_CHECKING

import streamlit as st

from app.ui.widgets.text import escape_markdown
from core.domain.datasets import Dataset, RemoteData
from core.plain import to_plain
from core.wording import count_text

if TYPE_CHECKING:
    from core.services import Services


def add_by_address(services: "Services") -> Dataset | None:
    """Ask for an address where the settings allow any; return what was added now."""
    prefixes = services.cluster_data.prefixes()
    if not prefixes:
        return None
    with st.form("data_remote", border=False):
        address = st.text_input(
            "Or an address that the H2O cluster reads itself",
            key="data_address",
            placeholder=f"{prefixes[0].rstrip('/')}/customers.parquet",
            help=f"Only a sample of its rows comes here. It has to lie under {', '.join(prefixes)}.",
        )
        if not st.form_submit_button("Add by address") or not address:
            return None
    with st.spinner("The cluster reads the data"):
        return services.cluster_data.add(address)


def show_counted(remote: RemoteData, n_rows: int) -> None:
    """Show where all rows are, and what the cluster has counted of each column."""
    all_rows = count_text(remote.frame.n_rows, "row")
    st.caption(f"All {all_rows} stay at {escape_markdown(remote.address)}; {n_rows:,} of them are shown here.")
    st.caption(
        ":material/info: Trained on and scored by the cluster alone, all rows have no recipe, no dates as features, no"
        " split or folds by a column (so none by time), no blending frame and no run without a holdout. Explore and"
        " explanations look at the sample; drift and outcomes are not followed for what the cluster scores."
    )
    with st.expander(f"Counted by the cluster over {all_rows}"):
        st.dataframe(
            [to_plain(column) for column in remote.frame.columns],
            hide_index=True,
            placeholder="–",
            alt="Each column's missing values, mean, standard deviation, least and largest value, number of categories",
        )
