"""Versions of a dataset, options that make another dataset, and the look before a file is taken in."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.data.datasets.preview import preview_file
from core.data.datasets.registry import Datasets
from core.data.datasets.versions import Proposal, describe_change, propose_version_of
from core.domain.columns import Column, Schema
from core.domain.reading import Reading, ReadOptions
from core.errors import DataError, DatasetNotFoundError, EmptyDataError, StoreCorruptError
from core.settings import Settings
from tests.office_files import xls, zipped

pytestmark = pytest.mark.slow

CSV = "id,age\n1,30\n2,40\n"


@pytest.fixture
def datasets(settings: Settings) -> Datasets:
    return Datasets(settings)


@pytest.fixture
def write(tmp_path):
    def write_(content: str | bytes, name: str = "people.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_


def test_a_version_has_the_name_and_the_next_number(datasets, write):
    first = datasets.add(write(CSV), "people.csv")
    second = datasets.add(write(CSV + "3,50\n"), "people_may.csv", version_of="people")
    third = datasets.add(write(CSV + "3,50\n4,60\n"), "x.csv", version_of="people")
    assert [(one.name, one.version) for one in (first, second, third)] == [("people", n) for n in (1, 2, 3)]
    assert [one.label for one in (first, second)] == ["people", "people, version 2"]
    assert datasets.versions("people") == (third, second, first)
    assert datasets.find("people") == third
    assert datasets.find("people@2") == second
    assert datasets.find(first.id) == first
    assert datasets.find("people@9") is datasets.find("@1") is None
    assert datasets.list()[0] == third


def test_the_same_content_is_no_second_version(datasets, write):
    first = datasets.add(write(CSV), "people.csv")
    assert datasets.add(write(CSV), "people.csv", version_of="people") == first


def test_a_version_of_nothing_is_refused(datasets, write):
    with pytest.raises(DatasetNotFoundError):
        datasets.add(write(CSV), "people.csv", version_of="nobody")
    assert datasets.list() == ()


def test_rename_takes_all_versions_along(datasets, write):
    first = datasets.add(write(CSV), "people.csv")
    second = datasets.add(write(CSV + "3,50\n"), "people.csv", version_of="people")
    other = datasets.add(write(CSV + "9,1\n"), "other.csv")
    assert datasets.rename(first.id, "folk").name == "folk"
    assert datasets.get(second.id).label == "folk, version 2"
    with pytest.raises(DataError) as caught:
        datasets.rename(other.id, "folk")
    assert caught.value.code == "dataset.name_taken"
    assert datasets.rename(second.id, "folk").name == "folk"


def test_one_version_is_deleted_and_the_others_stay(datasets, write):
    first = datasets.add(write(CSV), "people.csv")
    second = datasets.add(write(CSV + "3,50\n"), "people.csv", version_of="people")
    datasets.delete(first.id, used_by=())
    assert datasets.versions("people") == (second,)
    assert datasets.add(write(CSV + "4,1\n"), "people.csv", version_of="people").version == 3


def test_a_new_name_never_meets_the_versions_of_another(datasets, write):
    datasets.add(write(CSV), "people.csv")
    assert datasets.add(write(CSV + "3,50\n"), "people.csv").name == "people (2)"


def test_reading_again_makes_a_version_from_the_kept_file(datasets, write):
    path = write("x,y\na,b\n1,2\n3,4\n")
    first = datasets.add(path, "t.csv")
    path.unlink()
    second = datasets.read_again(first.id, ReadOptions(header_row=2))
    assert (second.label, second.schema.names, second.n_rows) == ("t, version 2", ("a", "b"), 2)
    assert second.options == ReadOptions(header_row=2)
    assert second.reading.header_row == 2
    assert second.id != first.id
    assert datasets.read_again(first.id, ReadOptions(header_row=2)) == second
    assert datasets.read_again(second.id, ReadOptions()) == first
    assert Datasets(datasets.settings).get(second.id) == second


def test_what_would_be_guessed_anyway_makes_no_other_dataset(datasets, write):
    first = datasets.add(write("a;b\n1;2\n"), "t.csv")
    same = ReadOptions(separator=";", encoding="utf-8", header_row=1, n_header_rows=1, skip_footer=0, quote='"')
    assert datasets.add(write("a;b\n1;2\n"), "t.csv", options=same) == first
    assert datasets.add(write("a;b\n1;2\n"), "t.csv", options=replace(same, separator=",")) != first


def test_options_may_mend_what_cannot_be_read_by_guess(datasets, write):
    path = write('a,b\n1,"x\n2,y\n')
    with pytest.raises(DataError):
        datasets.add(path, "t.csv")
    dataset = datasets.add(path, "t.csv", options=ReadOptions(quote=""))
    assert datasets.open(dataset.id).source()["b"].to_pylist() == ['"x', "y"]


def test_ids_of_before_hold(datasets, write):
    import hashlib

    plain, book = write("a;b\n1;2\n"), write(xls([["a"], [1]]), "b.xls")
    digest = hashlib.sha256(plain.read_bytes()).hexdigest()
    assert datasets.add(plain, "t.csv").id == digest[:32]
    digest = hashlib.sha256(book.read_bytes()).hexdigest()
    assert datasets.add(book, "b.xls").id == hashlib.sha256(f"{digest}\0Sheet1".encode()).hexdigest()[:32]


def test_types_that_are_said_are_there_from_the_start(datasets, write):
    options = ReadOptions(types=(("id", "category"), ("when", "date:%m/%d/%Y")))
    dataset = datasets.add(write("id,when\n1,01/02/2024\n2,03/04/2024\n"), "t.csv", options=options)
    assert dataset.schema.columns == (Column("id", "category"), Column("when", "date", format="%m/%d/%Y"))
    for wrong, code in ((("id", "number"), "schema.type"), (("nope", "text"), "column.not_found")):
        with pytest.raises(DataError) as caught:
            datasets.add(write("a\n1\n"), "t.csv", options=ReadOptions(types=(wrong,)))
        assert caught.value.code == code
    assert datasets.list() == (dataset,)


def test_a_dataset_of_before_is_read(datasets, settings, write):
    dataset = datasets.add(write(CSV), "people.csv")
    path = settings.datasets_dir / dataset.id / "dataset.json"
    old = json.loads(path.read_text())
    for key in ("version", "options", "reading"):
        del old[key]
    for column in old["schema"]["columns"]:
        del column["decimal"]
    path.write_text(json.dumps(old))
    found = datasets.get(dataset.id)
    assert found == replace(dataset, reading=None)
    assert (found.version, found.options) == (1, ReadOptions())


def test_an_original_that_is_gone_is_told(datasets, settings, write):
    dataset = datasets.add(write(CSV), "people.csv")
    (settings.datasets_dir / dataset.id / "original.csv").unlink()
    with pytest.raises(StoreCorruptError):
        datasets.read_again(dataset.id, ReadOptions(header_row=0))


def test_an_archive_is_a_dataset(datasets, settings, write):
    dataset = datasets.add(write(zipped({"deep/people.csv": CSV.encode()}), "p.zip"), "p.zip")
    assert (dataset.name, dataset.format, dataset.n_rows) == ("p", "csv", 2)
    assert dataset.reading.member == "people.csv"
    assert (settings.datasets_dir / dataset.id / "original.zip").is_file()


# --- proposals and changes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "columns", "proposed"),
    [
        ("people.csv", ("id", "age"), True),
        ("People_2024-06.CSV.gz", ("id", "age"), True),
        ("people (1).csv", ("id", "age", "city"), True),
        ("people.csv", ("x", "y"), False),  # the same name for other things
        ("others.csv", ("age", "id"), True),  # another name for the same columns
        ("others.csv", ("age", "id", "city"), False),
    ],
)
def test_which_dataset_a_file_continues(datasets, write, name, columns, proposed):
    datasets.add(write(CSV), "people-2024-05.csv")
    newest = datasets.add(write(CSV + "3,50\n"), "p.csv", version_of="people-2024-05")
    found = propose_version_of(datasets.list(), name, columns)
    assert found == (Proposal(newest, is_namesake=name.lower().startswith("people")) if proposed else None)


def test_changes_in_words(datasets, write):
    old = datasets.add(write("id,age,city\n1,30,Oslo\n2,40,Rome\n"), "p.csv")
    new = datasets.add(write("id,age,job\n1,x,a\n2,y,b\n3,z,c\n"), "p.csv", version_of="p")
    assert describe_change(old, new) == (
        "1 more row.",
        "New column 'job'.",
        "Removed column 'city'.",
        "Types: 'age' was numeric, now category.",
    )
    assert describe_change(new, new) == ("The same rows, columns and types.",)
    read = replace(old, reading=Reading(format="csv", separator=",", encoding="utf-8", header_row=2), n_rows=1)
    assert describe_change(old, read) == ("1 fewer row.", "Read as: Comma-separated, UTF-8, header in row 2.")
    wide = Schema(tuple(Column(f"c{n}", "text") for n in range(9)))
    assert describe_change(old, replace(old, schema=wide))[0] == "New columns 'c0', 'c1', 'c2', 'c3', 'c4' and 4 more."


# --- a look -----------------------------------------------------------------------------------------------------------


def test_a_preview_tells_the_guess_and_why(write, settings):
    path = write("Report\n\nname;value\nAnn;1,5\nBob;2,5\nTotal;4,0\n")
    found = preview_file(path, "r.csv", settings)
    assert (
        found.reading.in_words() == "Semicolon-separated, UTF-8, header in row 3, decimal comma, the last row left out"
    )
    assert {guess.option: guess.value for guess in found.guesses} == {
        "separator": "Semicolon", "encoding": "UTF-8", "quote": "Double quote", "header_row": "3",
        "n_header_rows": "1", "skip_footer": "1", "decimal": "Comma",
    }  # fmt: skip
    assert all(guess.reason for guess in found.guesses)
    assert len(found.doubts) == 2
    assert (found.n_rows, found.is_exact) == (2, True)
    assert found.table.to_pylist() == [{"name": "Ann", "value": "1,5"}, {"name": "Bob", "value": "2,5"}]
    assert found.schema["value"] == Column("value", "numeric", decimal=",")
    assert [number for number, _ in found.head] == [1, 3, 4, 5, 6]
    assert list(settings.work_dir.iterdir()) == []


def test_a_preview_with_options(write, settings):
    path = write("a|b\n1|2\n")
    found = preview_file(path, "r.csv", settings, ReadOptions(separator=",", header_row=0))
    assert found.table.to_pydict() == {"column_1": ["a|b", "1|2"]}
    assert {guess.option for guess in found.guesses if guess.reason == "as you chose"} == {"separator", "header_row"}


def test_a_clear_guess_leaves_no_doubt(write, settings):
    assert preview_file(write(CSV), "p.csv", settings).doubts == ()
    assert preview_file(write("a,b\n1,\xe9\n".encode("latin-1")), "p.csv", settings).doubts == ()


def test_numbers_that_may_be_read_both_ways_are_doubted(write, settings):
    found = preview_file(write('a,b\n"1,234",x\n"2,345",y\n'), "p.csv", settings)
    assert len(found.doubts) == 1
    assert "'a'" in found.doubts[0]
    said = preview_file(write('a,b\n"1,234",x\n"2,345",y\n'), "p.csv", settings, ReadOptions(decimal="."))
    assert said.doubts == ()
    commas = preview_file(write('a,b\n"1,5",x\n"2,5",y\n'), "p.csv", settings)
    assert "decimal commas" in commas.doubts[0]


def test_a_preview_of_a_large_file_is_an_estimate(write, settings):
    n_rows = 700_000
    found = preview_file(write("a,b\n" + "12345,some text\n" * n_rows), "p.csv", settings)
    assert not found.is_exact
    assert found.n_rows == pytest.approx(n_rows, rel=0.1)
    assert found.table.num_rows == 50


def test_a_preview_refuses_what_a_reader_refuses(write, settings):
    with pytest.raises(EmptyDataError):
        preview_file(write("a,b\n"), "p.csv", settings)
    assert list(settings.work_dir.iterdir()) == []


def test_a_preview_of_parquet(datasets, settings, write, test_data):
    dataset = datasets.add(test_data / "titanic.csv", "titanic.csv")
    path = settings.datasets_dir / dataset.id / "data.parquet"
    found = preview_file(path, "t.parquet", settings)
    assert (found.n_rows, found.is_exact, found.head, found.guesses) == (891, True, (), ())
    assert found.table.num_rows == 50
