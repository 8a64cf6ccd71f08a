"""Explore: profile, alerts, column table, detail and relation to the target."""

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest

from core.errors import StoreCorruptError


@pytest.fixture
def dataset(services, tmp_path):
    n_rows = 400
    age = [20 + (7 * row) % 50 for row in range(n_rows)]
    table = pa.table(
        {
            "customer_id": list(range(n_rows)),
            "age": age,
            "city": [["Paris", "Oslo", ""][row % 3] for row in range(n_rows)],
            "constant": ["x"] * n_rows,
            "joined": [f"2024-{1 + row % 12:02d}-01" for row in range(n_rows)],
            "interested": ["yes" if years > 45 else "no" for years in age],
        }
    )
    path = tmp_path / "customers.csv"
    pa_csv.write_csv(table, path)
    return services.datasets.add(path, path.name)


def column_table(app):
    return app.dataframe(key="explore_columns").value


def test_without_data_it_says_the_next_step(open_page):
    app = open_page("explore")
    assert any("Nothing to explore yet" in element.value for element in app.markdown)
    assert not app.error


def test_it_shows_the_columns_and_alerts(open_page, dataset):
    app = open_page("explore")
    assert not app.error
    assert {metric.label: metric.value for metric in app.metric}["Rows"] == "400"
    table = column_table(app)
    assert list(table["column"]) == list(dataset.schema.names)
    assert table.set_index("column").loc["city", "missing"] == pytest.approx(33.25)
    assert "strength" not in table
    shown = "\n".join(element.value for element in app.markdown)
    assert "**city**" in shown
    assert "**constant**" in shown
    assert app.selectbox(key="explore_column").value == "customer_id"


def test_a_target_ranks_the_columns_and_shows_the_relation(open_page, dataset):
    app = open_page("explore")
    app.selectbox(key="explore_target").select("interested").run()
    assert not app.exception
    assert not app.error
    table = column_table(app)
    assert table["column"][0] == "age"
    assert table["strength"][0] > 0.9
    assert app.selectbox(key="explore_column").value == "age"
    assert len(app.get("plotly_chart")) == 2


@pytest.mark.parametrize("column", ["age", "city", "constant", "joined"])
def test_every_type_has_a_figure_and_numbers(open_page, dataset, column):
    app = open_page("explore")
    app.selectbox(key="explore_column").select(column)
    app.session_state["explore_numbers"] = True
    app.run()
    assert not app.exception
    assert not app.error
    assert len(app.get("plotly_chart")) == 1
    assert len(app.dataframe[-1].value) >= 1


def test_the_ranking_is_drawn_when_it_is_opened(open_page, dataset):
    app = open_page("explore")
    app.selectbox(key="explore_target").select("interested").run()
    app.session_state["explore_ranking_open"] = True
    app.run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 3


def test_a_column_that_cannot_be_related_says_why(open_page, dataset):
    app = open_page("explore")
    app.selectbox(key="explore_target").select("interested").run()
    app.selectbox(key="explore_column").select("customer_id").run()
    assert not app.exception
    assert not app.error
    assert "no bins or levels to compare in a column of type id" in "".join(caption.value for caption in app.caption)


def test_search_narrows_the_table(open_page, dataset):
    app = open_page("explore")
    app.text_input(key="explore_search").set_value("AGE").run()
    assert list(column_table(app)["column"]) == ["age"]
    app.text_input(key="explore_search").set_value("nothing like it").run()
    assert not app.exception
    assert len(column_table(app)) == 0


def test_the_profile_is_kept_beside_the_dataset(open_page, services, dataset, monkeypatch):
    open_page("explore")
    monkeypatch.setattr("app.ui.exploring.profile_table", None)
    assert not open_page("explore").error


def test_a_damaged_dataset_is_told(open_page, services, dataset, monkeypatch):
    def damaged(*_args, **_kwargs):
        raise StoreCorruptError("The data of this dataset cannot be read.")

    monkeypatch.setattr("app.ui.exploring.profile_table", damaged)
    app = open_page("explore")
    assert "store.corrupt" in app.error[0].value
