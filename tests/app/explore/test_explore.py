"""Explore: profile, alerts, column table, detail and relation to the target."""

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest

from app.ui.explore.report import make_report
from app.ui.explore.view import ExploreView, get_profile
from core.data.profiling.slices import Filter
from core.errors import StoreCorruptError
from core.recipes.recipe import Drop


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


def open_tab(app, name):
    app.session_state["explore_view"] = name
    app.run()
    assert not app.exception
    assert not app.error
    return app


def open_alerts(app):
    app.session_state["explore_alerts"] = True
    app.run()
    assert not app.exception
    return app


def charts_of(app):
    """The charts below the first look."""
    return [chart.key for chart in app.get("plotly_chart") if chart.key != "explore_look"]


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
    assert app.selectbox(key="explore_column").value == "city"  # age stands above already
    assert "**city:**" not in "".join(element.value for element in app.markdown)
    strip = next(one.label for one in app.expander if "alert" in one.label)
    shown = "\n".join(element.value for element in open_alerts(app).markdown)
    assert strip.startswith(f"**{sum(':gray[:small[' in one.value for one in app.markdown)} alerts**")
    assert "**city:** 33" in shown
    assert "**constant:** It has only one value" in shown


def test_it_begins_with_a_figure_of_the_column_that_tells_most(open_page, dataset):
    app = open_page("explore")
    first = next(one for one in app.get("plotly_chart") if one.key == "explore_look")
    assert "The column age" in first.proto.alt
    app.selectbox(key="explore_target").select("interested").run()
    first = next(one for one in app.get("plotly_chart") if one.key == "explore_look")
    assert "interested over the column age" in first.proto.alt


def test_ids_and_constants_are_not_drawn(open_page, dataset):
    app = open_page("explore")
    for name in ("customer_id", "constant"):
        app.selectbox(key="explore_column").select(name).run()
        assert not app.exception
        assert charts_of(app) == []


def test_a_file_of_ids_has_no_first_figure(open_page, services, tmp_path):
    path = tmp_path / "ids.csv"
    pa_csv.write_csv(pa.table({"id": [f"a{row:05}" for row in range(300)], "always": ["x"] * 300}), path)
    services.datasets.add(path, path.name)
    app = open_page("explore")
    assert not app.error
    assert not app.get("plotly_chart")


def test_the_address_keeps_target_column_and_tab(open_page, dataset):
    app = open_page("explore")
    app.selectbox(key="explore_target").select("interested").run()
    app.selectbox(key="explore_column").select("city").run()
    app = open_tab(app, "Pairs")
    kept = dict(app.query_params)
    assert kept | {"dataset": ""} == {"dataset": "", "target": "interested", "column": "city", "view": "pairs"}
    other = open_page("explore", **kept)
    assert other.selectbox(key="explore_target").value == "interested"
    assert other.session_state["explore_view"] == "Pairs"
    assert charts_of(other)[0] == "explore_square"
    other = open_tab(other, "Columns")
    assert other.selectbox(key="explore_column").value == "city"
    assert "view" not in other.query_params


def test_without_a_target_the_tab_proposes_likely_ones(open_page, dataset):
    app = open_tab(open_page("explore"), "Target")
    assert charts_of(app) == []
    proposed = {button.label: button for button in app.button if str(button.key).startswith("explore_likely_")}
    proposed["interested"].click().run()
    assert not app.exception
    assert app.selectbox(key="explore_target").value == "interested"
    assert "explore_feature_relation" in charts_of(app)


def test_a_link_brings_the_target_of_another_dataset(open_page, services, dataset, tmp_path):
    path = tmp_path / "other.csv"
    pa_csv.write_csv(pa.table({"x": list(range(50)), "y": [row % 2 for row in range(50)]}), path)
    other = services.datasets.add(path, path.name)
    app = open_page("explore", dataset=dataset.id, target="interested")
    assert app.selectbox(key="explore_target").value == "interested"
    app.query_params["dataset"], app.query_params["target"] = other.id, "y"
    app.run()
    assert not app.exception
    assert app.selectbox(key="explore_target").value == "y"
    app.selectbox(key="explore_dataset").select(dataset.id).run()
    assert app.selectbox(key="explore_target").value == "interested"


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
    app.selectbox(key="explore_column").select("city").run()
    assert charts_of(app) == ["explore_levels_city", "explore_relation"]


def test_the_target_is_remembered(open_page, dataset):
    app = open_page("explore")
    app.selectbox(key="explore_target").select("interested").run()
    app.switch_page("../pages/data.py").run()
    app.switch_page("../pages/explore.py").run()
    assert not app.exception
    assert app.selectbox(key="explore_target").value == "interested"


def test_it_begins_with_the_target_that_was_trained_on_last(trained, visit):
    settings = trained.runs[0].settings
    app = visit(trained.services, "explore", dataset=settings.dataset_id)
    assert app.selectbox(key="explore_target").value == settings.target
    app.selectbox(key="explore_target").select("No target").run()
    app.switch_page("../pages/data.py").run()
    app.switch_page("../pages/explore.py").run()
    assert app.selectbox(key="explore_target").value == "No target"


@pytest.mark.parametrize("column", ["age", "city", "constant", "joined"])
def test_every_type_has_a_figure_and_numbers(open_page, dataset, column):
    app = open_page("explore")
    app.selectbox(key="explore_column").select(column)
    app.session_state["explore_numbers"] = True
    app.run()
    assert not app.exception
    assert not app.error
    assert len(charts_of(app)) == (column != "constant")
    assert len(app.dataframe[-1].value) >= 1


def test_the_ranking_is_drawn_when_it_is_opened(open_page, dataset):
    app = open_page("explore")
    app.selectbox(key="explore_target").select("interested").run()
    app = open_tab(app, "Target")
    assert len(charts_of(app)) == 1
    app.session_state["explore_ranking_open"] = True
    app.run()
    assert not app.exception
    assert len(charts_of(app)) == 2


def test_a_column_that_cannot_be_related_says_why(open_page, dataset):
    app = open_page("explore")
    app.selectbox(key="explore_target").select("interested").run()
    app.selectbox(key="explore_column").select("customer_id").run()
    assert not app.exception
    assert not app.error
    assert "no bins or levels to compare in a column of type id" in "".join(caption.value for caption in app.caption)


def test_an_alert_is_mended_and_taken_back(open_page, services, dataset):
    app = open_alerts(open_page("explore"))
    button = next(b for b in app.button if b.key and b.key.startswith("explore_mend_constant"))
    assert button.label == "Leave it out"
    button.click().run()
    assert not app.exception
    assert services.recipes.get(dataset.name).recipe.steps == (Drop(columns=("constant",)),)
    assert any("The recipe of this dataset has 1 step" in element.value for element in app.markdown)
    next(b for b in app.button if b.key and b.key.startswith("explore_unmend_constant")).click().run()
    assert services.recipes.get(dataset.name).recipe.steps == ()


def test_a_leak_comes_first_with_its_mend(open_page, services, tmp_path):
    path = tmp_path / "leak.csv"
    rows = [f"{k % 2},{(k * 7) % 11},{'given' if k % 2 else 'not'}" for k in range(200)]
    path.write_text("y,x,outcome\n" + "\n".join(rows) + "\n")
    services.datasets.add(path, path.name)
    app = open_page("explore")
    app.selectbox(key="explore_target").select("y").run()
    assert ":red[" in next(one.label for one in app.expander if "alert" in one.label)
    app = open_alerts(app)
    first = next(element.value for element in app.markdown if "On its own it predicts" in element.value)
    assert "**outcome:**" in first
    assert "AUC 1\\.000" in first


def test_a_kind_of_alert_is_mended_at_once(open_page, services, tmp_path):
    path = tmp_path / "many.csv"
    names = [f"c{k}" for k in range(20)]
    path.write_text(",".join([*names, "x"]) + "\n" + "\n".join(",".join(["same"] * 20 + [str(k)]) for k in range(50)))
    dataset = services.datasets.add(path, path.name)
    app = open_alerts(open_page("explore"))
    app.session_state["explore_alert_kinds"] = ["constant"]
    app.run()
    app.button(key="explore_mend_all").click().run()
    assert not app.exception
    assert services.recipes.get(dataset.name).recipe.steps == (Drop(columns=tuple(names)),)
    app.session_state["explore_alert_kinds"] = ["constant"]
    app.run()
    next(b for b in app.button if b.key and b.key.startswith("explore_unmend_constant")).click().run()
    assert services.recipes.get(dataset.name).recipe.steps == (Drop(columns=tuple(names[1:])),)


def test_a_filter_makes_a_slice_and_its_chip_removes_it(open_page, dataset):
    app = open_page("explore")
    app.session_state["explore_filter"] = True
    app.run()
    app.selectbox(key="explore_filter_column").select("city").run()
    app.multiselect(key="explore_filter_levels_city").select("Paris").run()
    app.button(key="explore_filter_add").click().run()
    assert not app.exception
    assert not app.error
    assert app.session_state["explore.filters"][dataset.id][0].levels == ("Paris",)
    assert any("**134** of 400 rows (33.5%)" in caption.value for caption in app.caption)
    table = column_table(app)
    assert table["column"][0] == "city"
    assert table["shift"][0] > 0.25
    app.selectbox(key="explore_column").select("age").run()
    assert charts_of(app) == ["explore_shares"]
    app.selectbox(key="explore_target").select("interested").run()
    for name in ("Target", "Pairs", "Columns"):
        open_tab(app, name)
    chip = app.button(key="explore_chip_0")
    assert chip.label == "city: Paris"
    chip.click().run()
    assert app.session_state["explore.filters"][dataset.id] == ()
    assert "shift" not in column_table(app)


@pytest.mark.parametrize(
    ("column", "expected"), [("age", (20.0, 69.0)), ("joined", (1704067200000.0, 1733097599999.0))]
)
def test_ranges_are_filters_too(open_page, dataset, column, expected):
    app = open_page("explore")
    app.session_state["explore_filter"] = True
    app.run()
    app.selectbox(key="explore_filter_column").select(column).run()
    app.button(key="explore_filter_add").click().run()
    assert not app.exception
    one = app.session_state["explore.filters"][dataset.id][0]
    assert (one.low, one.high) == expected


def test_a_slice_without_rows_says_so(open_page, dataset):
    app = open_page("explore")
    app.session_state["explore.filters"] = {dataset.id: (Filter(column="age", low=500),)}
    app.run()
    assert not app.exception
    assert "No rows match" in app.info[0].value


def test_a_filter_whose_column_changed_can_still_be_removed(open_page, services, dataset):
    app = open_page("explore")
    app.session_state["explore.filters"] = {dataset.id: (Filter(column="age", levels=("1",)),)}
    app.run()
    assert "slice.unfit" in app.error[0].value
    app.button(key="explore_chip_0").click().run()
    assert not app.error


def test_a_column_of_dates_is_a_time_line_with_the_target(open_page, dataset):
    app = open_page("explore")
    app.selectbox(key="explore_target").select("interested").run()
    app.selectbox(key="explore_column").select("joined").run()
    assert charts_of(app) == ["explore_timeline", "explore_timeline_target"]


def test_missing_values_are_shown_when_opened(open_page, dataset):
    app = open_page("explore")
    app.selectbox(key="explore_column").select("city")
    app.session_state["explore_gaps_open"] = True
    app.run()
    assert not app.exception
    assert "explore_gaps" in [chart.key for chart in app.get("plotly_chart")]


def test_text_shows_lengths_and_words(open_page, services, tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text(
        "said\n" + "\n".join(f"The phone number {k} is good and it was told in many words" for k in range(60))
    )
    services.datasets.add(path, path.name)
    app = open_page("explore")
    app.session_state["explore_words_open"] = True
    app.run()
    assert not app.exception
    assert charts_of(app) == ["explore_lengths", "explore_words"]


def test_pairs_are_compared(open_page, dataset):
    app = open_tab(open_page("explore"), "Pairs")
    assert charts_of(app) == ["explore_square", "explore_pair"]
    first = next(table.value for table in app.dataframe if "pair" in table.value.columns).iloc[0]
    one, other = first["pair"].split(" × ")
    how = (
        "carry much of the same information" if abs(first["strength"]) >= 0.7 else "go together most, but not strongly"
    )
    (said,) = (element.value for element in app.markdown if f"({first['measure']}: " in element.value)
    assert said.replace("\\", "").startswith(f"**{one}** and **{other}** {how}")
    app.selectbox(key="explore_first").select("age").run()
    app.selectbox(key="explore_second").select("age").run()
    assert not app.exception
    assert "relation.same_column" in app.error[0].value


def test_two_datasets_are_compared(open_page, services, dataset, tmp_path):
    app = open_tab(open_page("explore"), "Compare")
    assert any("Nothing to compare with yet" in element.value for element in app.markdown)
    table = pa_csv.read_csv(tmp_path / "customers.csv").slice(0, 200).drop_columns(["joined"])
    older = table.set_column(1, "age", pa.compute.add(table["age"], 30))
    path = tmp_path / "later.csv"
    pa_csv.write_csv(older, path)
    services.datasets.add(path, path.name)
    app = open_page("explore", dataset=dataset.id)
    app = open_tab(app, "Compare")
    drift = app.dataframe(key="explore_drift").value
    assert list(drift["column"][:1]) == ["age"]
    assert list(drift["change"][0]) == ["Large"]
    assert {metric.label: metric.value for metric in app.metric}["Large change"] == "1"
    assert any("Only in customers: joined" in caption.value for caption in app.caption)


def test_the_report_is_a_file_of_its_own(services, dataset):
    view = ExploreView(services.datasets, services.datasets.open(dataset.id), "interested")
    html = make_report(view, get_profile(view)).decode()
    assert html.startswith("<!doctype html>")
    assert html.count('class="plotly-graph-div"') == 6 + 4  # a distribution each, and the target over four of them


def test_names_with_markup_are_shown_literally(open_page, services, tmp_path):
    path = tmp_path / "markup.csv"
    name = "<b>bold</b> [x](http://a.b) $x$ :smile:"
    path.write_text(f'"{name}",y\n' + "\n".join(f"w,{k % 2}" for k in range(40)))
    services.datasets.add(path, path.name)
    app = open_page("explore")
    app.selectbox(key="explore_target").select("y").run()
    for tab in ("Columns", "Target", "Pairs"):
        open_tab(app, tab)
        shown = [element.value for element in (*app.markdown, *app.caption)]
        assert not [text for text in shown if "<b>" in text or "[x](" in text or ":smile:" in text]


def test_five_thousand_columns_stay_usable(open_page, services, tmp_path):
    path = tmp_path / "wide.csv"
    names = [f"c{k}" for k in range(4999)]
    lines = [",".join([*names, "y"])] + [
        ",".join([str((k * j) % 7) for k in range(4999)] + [str(j % 2)]) for j in range(30)
    ]
    path.write_text("\n".join(lines))
    services.datasets.add(path, path.name)
    app = open_page("explore")
    app.selectbox(key="explore_target").select("y").run(timeout=120)
    assert not app.exception
    assert not app.error
    assert len(column_table(app)) == 1000
    assert any("The first 1,000 are listed" in caption.value for caption in app.caption)
    open_tab(app, "Pairs")
    assert any("40 columns, those most related" in caption.value for caption in app.caption)


def test_search_narrows_the_table(open_page, dataset):
    app = open_page("explore")
    app.text_input(key="explore_search").set_value("AGE").run()
    assert list(column_table(app)["column"]) == ["age"]
    app.text_input(key="explore_search").set_value("nothing like it").run()
    assert not app.exception
    assert len(column_table(app)) == 0


def test_the_profile_is_kept_beside_the_dataset(open_page, services, dataset, monkeypatch):
    open_page("explore")
    monkeypatch.setattr("app.ui.explore.view.profile_columns", None)
    assert not open_page("explore").error


def test_a_damaged_dataset_is_told(open_page, services, dataset, monkeypatch):
    def damaged(*_args, **_kwargs):
        raise StoreCorruptError("The data of this dataset cannot be read.")

    monkeypatch.setattr("app.ui.explore.view.profile_columns", damaged)
    app = open_page("explore")
    assert "store.corrupt" in app.error[0].value
