"""Data: files in, types changed, renamed, deleted, and every way in which that can be refused."""

import hashlib
import io
from dataclasses import replace

import openpyxl
import pytest
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from app.ui.data import uploads
from core.domain.datasets import RemoteColumn, RemoteData, RemoteFrame
from core.errors import DiskFullError, FileTooLargeError
from tests.fixtures_store import add_run

CSV = b"id,age,city\n1,33,Paris\n2,,Oslo\n3,51,\n4,28,Paris\n"


def upload(app, name: str, content: bytes):
    app.file_uploader(key="data_upload").upload(name, content)
    app.run()
    assert not app.exception, app.exception
    app.file_uploader(key="data_upload").clear()  # as in a browser, where a received file is gone by the next run
    return app


def open_tab(app, title: str):
    app.session_state["data_tabs"] = title
    app.run()
    assert not app.exception, app.exception
    return app


def workbook(**sheets: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@pytest.fixture
def page(open_page):
    return open_page("data")


@pytest.fixture
def taken_in(services, tmp_path):
    path = tmp_path / "customers.csv"
    path.write_bytes(CSV)
    return services.datasets.add(path, path.name)


def test_what_is_missing_is_said_of_a_table_that_is_small_enough_to_look_at(open_page, taken_in, monkeypatch):
    app = open_page("data")
    assert {metric.label: metric.value for metric in app.metric}["Missing cells"] == "17%"  # 2 of 12
    monkeypatch.setattr("app.ui.explore.view._SMALL_CELLS", 5)
    assert "Missing cells" not in {metric.label for metric in open_page("data").metric}


def test_an_empty_page_says_the_next_step(page):
    assert "No data yet" in page.markdown[-1].value
    assert not page.error


def test_a_file_becomes_the_chosen_dataset(page, services):
    upload(page, "customers.csv", CSV)
    assert not page.error
    [dataset] = services.datasets.list()
    assert (dataset.name, dataset.n_rows, dataset.n_columns) == ("customers", 4, 3)
    assert page.selectbox(key="data_select").value == dataset.id
    assert page.query_params["dataset"] == dataset.id
    assert {metric.label: metric.value for metric in page.metric}["Rows"] == "4"
    assert "Added" in page.toast[0].value
    assert list(page.dataframe[0].value.columns) == ["id", "age", "city"]


def test_a_received_file_lies_on_the_disk_and_no_more_in_memory(settings):
    settings.work_dir.mkdir(parents=True)
    record = UploadedFileRec("1", "../a b.CSV", "text/csv", CSV)
    uploaded = UploadedFile(record, FileURLs())
    received = uploads.spill(uploaded, settings)
    assert received.path.read_bytes() == CSV
    assert (received.name, received.sheets) == ("a b.CSV", ())
    assert uploaded.getbuffer().nbytes == 0
    received.discard()
    assert list(settings.work_dir.iterdir()) == []


def test_no_work_file_is_left(page, services):
    upload(page, "customers.csv", CSV)
    assert list(services.settings.work_dir.iterdir()) == []


def test_the_same_file_again_is_the_same_dataset(page, services):
    upload(page, "customers.csv", CSV)
    upload(page, "again.csv", CSV)
    assert len(services.datasets.list()) == 1
    assert "Already here" in page.toast[0].value


def test_a_workbook_asks_for_its_sheet(page, services):
    upload(page, "book.xlsx", workbook(First=[["a", "b"], [1, 2]], Second=[["c"], [3], [4]]))
    assert services.datasets.list() == ()
    page.selectbox(key="data_sheet").select("Second").run()
    page.button(key="data_add_sheet").click().run()
    assert not page.exception
    [dataset] = services.datasets.list()
    assert (dataset.sheet, dataset.n_rows) == ("Second", 2)
    assert list(services.settings.work_dir.iterdir()) == []


def test_a_workbook_of_one_sheet_is_taken_in_at_once(page, services):
    upload(page, "book.xlsx", workbook(Only=[["a", "b"], [1, 2]]))
    assert [dataset.sheet for dataset in services.datasets.list()] == ["Only"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.csv", b"", "file.empty"),
        ("header.csv", b"a,b\n", "file.no_rows"),
        ("book.xlsx", b"not a workbook", "file.content_mismatch"),
        ("image.csv", bytes(range(256)) * 20, "file."),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_and_not_kept(page, services, name, content, code):
    upload(page, name, content)
    assert len(page.error) == 1
    assert code in page.error[0].value
    assert services.datasets.list() == ()
    assert list(services.settings.work_dir.iterdir()) == []


def test_a_file_is_hashed_once(page, services, monkeypatch):
    hashed, real = [], hashlib.sha256
    monkeypatch.setattr("hashlib.sha256", lambda data=b"", **o: (hashed.append(len(data)), real(data, **o))[1])
    monkeypatch.setattr("hashlib.file_digest", None)
    large = b"a,b\n" + b"1,2\n" * 500
    upload(page, "once.csv", large)
    (dataset,) = services.datasets.list()
    assert [n for n in hashed if n >= len(large)] == [len(large)]
    assert hashed.count(0) == 0  # no hash that is fed bit by bit
    assert dataset.id == real(large).hexdigest()[:32]


def test_a_full_disk_is_told(page, services, monkeypatch):
    def full(*_):
        raise DiskFullError("Only 3 MiB are free on the disk.")

    monkeypatch.setattr("core.files.check_free_space", full)
    upload(page, "customers.csv", CSV)
    assert "disk.full" in page.error[0].value


def test_types_are_changed_together(open_page, services, taken_in):
    page = open_tab(open_page("data"), "Columns and types")
    assert page.button(key="data_save_types").disabled
    page.session_state["data_types_0"] = {
        "edited_rows": {1: {"type": "category"}, 2: {"type": "text"}},
        "added_rows": [],
        "deleted_rows": [],
    }
    page.run()
    assert page.button(key="data_save_types").label == "Save 2 changes"
    page.button(key="data_save_types").click().run()
    assert not page.exception
    assert not page.error
    schema = services.datasets.get(taken_in.id).schema
    assert [column.type for column in schema.columns] == ["id", "category", "text"]


def test_a_type_that_does_not_fit_is_refused(open_page, services, taken_in):
    page = open_tab(open_page("data"), "Columns and types")
    page.session_state["data_types_0"] = {
        "edited_rows": {2: {"type": "date"}},
        "added_rows": [],
        "deleted_rows": [],
    }
    page.run()
    page.button(key="data_save_types").click().run()
    assert len(page.error) == 1
    assert services.datasets.get(taken_in.id).schema["city"].type == taken_in.schema["city"].type


def test_a_dataset_is_renamed(open_page, services, taken_in):
    page = open_tab(open_page("data"), "Rename or delete")
    assert page.button(key="data_rename").disabled
    page.text_input(key=f"data_name_{taken_in.id}").set_value("People").run()
    page.button(key="data_rename").click().run()
    assert not page.exception
    assert services.datasets.get(taken_in.id).name == "People"


def test_a_name_in_use_is_refused(open_page, services, taken_in, tmp_path):
    other = tmp_path / "other.csv"
    other.write_bytes(CSV + b"5,1,Rome\n")
    services.datasets.add(other, other.name)
    page = open_tab(open_page("data", dataset=taken_in.id), "Rename or delete")
    page.text_input(key=f"data_name_{taken_in.id}").set_value("other").run()
    page.button(key="data_rename").click().run()
    assert "dataset.name_taken" in page.error[0].value


def test_a_dataset_is_deleted(open_page, services, taken_in):
    page = open_tab(open_page("data"), "Rename or delete")
    page.button(key="data_delete_confirm").click().run()
    assert not page.exception
    assert services.datasets.list() == ()
    assert services.ledger.entries(action="delete dataset")[0].subject == taken_in.id


def test_a_dataset_in_use_is_kept_and_the_run_named(open_page, services, taken_in):
    add_run(services.store, dataset_id=taken_in.id, target="careful")
    page = open_tab(open_page("data"), "Rename or delete")
    page.button(key="data_delete_confirm").click().run()
    assert "sales \\#1" in page.error[0].proto.title
    assert "dataset.in_use" in page.error[0].value
    assert services.datasets.list() == (taken_in,)


def test_a_link_opens_its_dataset_and_an_old_one_is_told(open_page, services, taken_in, tmp_path):
    newer = tmp_path / "newer.csv"
    newer.write_bytes(CSV + b"5,1,Rome\n")
    services.datasets.add(newer, newer.name)
    page = open_page("data", dataset=taken_in.id)
    assert page.selectbox(key="data_select").value == taken_in.id
    page = open_page("data", dataset="0" * 32)
    assert "no longer exists" in page.warning[0].value


# --- a guess that has to be looked at ---------------------------------------------------------------------------------

GERMAN = "Kundenliste\n\nName;Preis\nAnn;1,5\nBob;2,25\nSumme;3,75\n".encode("cp1252")


def test_a_doubtful_guess_is_asked_about(page, services):
    upload(page, "kunden.csv", GERMAN)
    assert services.datasets.list() == ()
    assert "Semicolon\\-separated, UTF\\-8, header in row 3, decimal comma" in shown_text(page)
    assert "Kundenliste" in page.warning[0].value
    assert list(page.dataframe[0].value.columns) == ["Name", "Preis"]
    page.button(key="data_add_sheet").click().run()
    assert not page.exception
    [dataset] = services.datasets.list()
    assert (dataset.n_rows, dataset.reading.header_row, dataset.schema["Preis"].decimal) == (2, 3, ",")
    assert page.selectbox(key="data_select").value == dataset.id
    assert not [button for button in page.button if button.key == "data_add_sheet"]
    assert list(services.settings.work_dir.iterdir()) == []


def test_how_dates_are_read_is_said_before_a_file_is_added(page):
    rows = "".join(f"{name};{day}.03.2023\n" for name, day in (("Ann", "02"), ("Bob", "13"), ("Cy", "28")))
    upload(page, "kunden.csv", f"Kundenliste\n\nName;Beginn\n{rows}".encode())
    assert "Dates: Beginn as day.month.year." in shown_text(page)


def shown_text(app) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption])


def test_each_knob_changes_the_preview_and_the_dataset(page, services):
    upload(page, "kunden.csv", GERMAN)
    assert page.number_input(key="data_read_header_row").value is None
    assert page.number_input(key="data_read_header_row").placeholder == "Guess: 3"
    page.number_input(key="data_read_skip_footer").set_value(0).run()
    page.selectbox(key="data_read_decimal").select(".").run()
    assert "decimal comma" not in shown_text(page)
    assert page.dataframe[0].value["Name"].tolist() == ["Ann", "Bob", "Summe"]
    page.button(key="data_add_sheet").click().run()
    [dataset] = services.datasets.list()
    assert (dataset.n_rows, dataset.options.skip_footer, dataset.options.decimal) == (3, 0, ".")
    assert dataset.schema["Preis"].type == "category"


def test_a_file_that_another_option_may_mend_can_be_mended(page, services):
    upload(page, "odd.csv", b'a,b\n1,"x\n2,y\n')
    assert "file.quotes" in page.error[0].value
    assert page.button(key="data_add_sheet").disabled
    page.selectbox(key="data_read_quote").select("none").run()
    assert not page.exception
    assert not page.error
    page.button(key="data_add_sheet").click().run()
    [dataset] = services.datasets.list()
    assert (dataset.n_rows, dataset.options.quote) == (2, "")


def test_a_question_can_be_left(page, services):
    upload(page, "kunden.csv", GERMAN)
    page.number_input(key="data_read_skip_footer").set_value(0).run()
    page.button(key="data_cancel").click().run()
    assert not page.exception
    assert services.datasets.list() == ()
    assert list(services.settings.work_dir.iterdir()) == []
    upload(page, "kunden.csv", GERMAN)
    assert page.number_input(key="data_read_skip_footer").value is None


def test_names_in_a_question_are_shown_literally(page):
    upload(page, "![x](y).csv", b"**Title**\n\na;b\n1;2\n")
    assert "\\!\\[x\\]\\(y\\)" in shown_text(page)
    assert "\\*\\*Title\\*\\*" in page.warning[0].value


# --- versions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "label"), [(None, "customers, version 2"), ("New dataset", "customers (2)")])
def test_a_file_of_the_same_name_may_be_the_next_version(open_page, services, taken_in, answer, label):
    page = upload(open_page("data"), "customers.csv", CSV + b"5,1,Rome\n")
    assert len(services.datasets.list()) == 1
    if answer:
        page.segmented_control(key="data_as").set_value(answer).run()
    page.button(key="data_add_sheet").click().run()
    assert not page.exception
    assert [dataset.label for dataset in services.datasets.list()] == [label, "customers"]
    assert label in page.toast[0].value.replace("\\", "")


def test_other_names_with_the_same_columns_are_new_unless_somebody_says_so(open_page, services, taken_in):
    page = upload(open_page("data"), "others.csv", CSV + b"5,1,Rome\n")
    page.button(key="data_add_sheet").click().run()
    assert [dataset.label for dataset in services.datasets.list()] == ["others", "customers"]


def test_versions_are_listed_with_what_changed(open_page, services, taken_in, tmp_path):
    path = tmp_path / "may.csv"
    path.write_bytes(b"id,age,town\n1,33,Paris\n")
    newer = services.datasets.add(path, path.name, version_of="customers")
    page = open_tab(open_page("data", dataset=taken_in.id), "Versions")
    text = shown_text(page).replace("\\", "")
    assert "3 fewer rows. New column 'town'. Removed column 'city'." in text
    assert page.selectbox(key="data_select").options == ["customers, version 2", "customers"]
    page.selectbox(key="data_select").select(newer.id).run()
    page = open_tab(page, "Rename or delete")
    page.button(key="data_delete_confirm").click().run()
    assert not page.exception
    assert services.datasets.list() == (taken_in,)


def test_a_dataset_is_read_again_as_a_version(open_page, services, taken_in):
    page = open_tab(open_page("data"), "How it is read")
    assert page.button(key="data_again").disabled
    page.number_input(key=f"data_again_{taken_in.id}_header_row").set_value(0).run()
    assert "It would be read as" in shown_text(page)
    page.button(key="data_again").click().run()
    assert not page.exception
    newest = services.datasets.find("customers")
    assert (newest.version, newest.n_rows, newest.schema.names) == (2, 5, ("column_1", "column_2", "column_3"))
    assert services.datasets.get(taken_in.id) == taken_in
    assert page.selectbox(key="data_select").value == newest.id


def test_a_date_format_can_be_written(open_page, services, tmp_path):
    path = tmp_path / "days.csv"
    path.write_bytes(b"when,n\n01/02/2024,1\n03/04/2024,2\n")
    dataset = services.datasets.add(path, path.name)
    page = open_tab(open_page("data"), "Columns and types")
    page.session_state["data_types_0"] = {
        "edited_rows": {0: {"format": "%m/%d/%Y"}},
        "added_rows": [],
        "deleted_rows": [],
    }
    page.run()
    page.button(key="data_save_types").click().run()
    assert not page.exception
    assert services.datasets.get(dataset.id).schema["when"].format == "%m/%d/%Y"
    assert services.datasets.open(dataset.id).typed()["when"].to_pylist()[0].month == 1


def test_a_file_over_the_limit_is_told_the_way_around(services):
    record = UploadedFileRec("1", "a.csv", "text/csv", CSV)
    uploaded = UploadedFile(record, FileURLs())
    uploaded.size = 10**12
    with pytest.raises(FileTooLargeError) as caught:
        uploads.spill(uploaded, services.settings)
    assert "python -m core data add" in caught.value.hint


def test_no_address_is_asked_for_where_no_cluster_reads_data(page):
    assert not page.text_input


def test_an_address_that_is_not_allowed_is_refused_on_the_page(open_page, services, monkeypatch):
    limits = replace(services.settings, h2o_url="http://127.0.0.1:9", import_prefixes="/mnt/lake")
    monkeypatch.setattr(services.cluster_data, "_settings", limits)
    app = open_page("data")
    app.text_input(key="data_address").set_value("/mnt/lake/../../etc/passwd")
    app.button[0].click().run()
    assert not app.exception
    assert "cluster.address" in app.error[0].value
    assert services.datasets.list() == ()


def test_a_sample_says_where_all_rows_are(open_page, services, tmp_path):
    path = tmp_path / "sample.csv"
    path.write_bytes(CSV)
    columns = tuple(RemoteColumn(name, "numeric", 3, mean=1.5) for name in ("id", "age", "city"))
    remote = RemoteData("/mnt/lake/all.csv", RemoteFrame(10_000_000, "17", columns), 0.002, "5")
    own, sample = services.datasets.add(path, path.name), services.datasets.add(path, path.name, remote=remote)
    assert own.id != sample.id
    assert services.datasets.get(sample.id).remote == remote
    app = open_page("data", dataset=sample.id)
    assert any("All 10,000,000 rows stay at" in one.value and "; 4 of them" in one.value for one in app.caption)
    assert any("no recipe" in one.value and "none by time" in one.value for one in app.caption)
    assert list(app.expander[0].dataframe[0].value["n_missing"]) == [3, 3, 3]


def test_of_several_datasets_a_row_of_the_list_opens_one(open_page, services, tmp_path):
    path = tmp_path / "one.csv"
    path.write_bytes(CSV)
    first = services.datasets.add(path, "first.csv")
    assert not open_page("data").expander, "of one there is nothing to list"
    path.write_bytes(CSV + b"5,1,Rome\n")
    second = services.datasets.add(path, "second.csv")
    app = open_page("data")
    assert app.selectbox(key="data_select").value == second.id
    app.session_state["data_all_open"] = True
    app.run()
    assert not app.exception, app.exception
    assert app.dataframe[-1].value["name"].tolist() == [second.label, first.label]
    assert app.dataframe[-1].value["rows"].tolist() == [5, 4]
