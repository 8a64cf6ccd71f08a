"""The rows of JSON bodies: the forms there are, what each cell becomes, and everything that is refused."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.http import records
from app.http.records import read_records
from core.errors import AppError
from core.settings import Settings

RECORDS = [{"age": 41, "city": "Bonn"}, {"age": None, "city": "Köln 🦊"}]
ROWS = {"age": ["41", None], "city": ["Bonn", "Köln 🦊"]}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return Settings(home=tmp_path_factory.mktemp("home"))


def read(body: object, settings: Settings):
    return read_records(json.dumps(body).encode(), settings)


@pytest.mark.parametrize(
    "body",
    [
        RECORDS,
        {"dataframe_records": RECORDS},
        {"inputs": RECORDS},
        {"dataframe_split": {"columns": ["age", "city"], "data": [[41, "Bonn"], [None, "Köln 🦊"]]}},
        {"dataframe_split": {"columns": ["age", "city"], "index": [0, 1], "data": [[41, "Bonn"], [None, "Köln 🦊"]]}},
    ],
)
def test_every_form_holds_the_same_rows(body, settings):
    assert read(body, settings).to_pydict() == ROWS


def test_one_record_may_stand_alone_even_with_a_column_called_inputs(settings):
    assert read({"age": 41, "inputs": 3}, settings).to_pydict() == {"age": ["41"], "inputs": ["3"]}


def test_a_value_that_a_record_lacks_is_missing(settings):
    assert read([{"a": 1}, {"b": "x"}, {}], settings).to_pydict() == {"a": ["1", None, None], "b": [None, "x", None]}


def test_numbers_keep_the_digits_that_were_sent(settings):
    content = b'[{"a": 12345678901234567890123, "b": 1.10, "c": -1E5, "d": 0.1e-400, "e": true, "f": false}]'
    assert read_records(content, settings).to_pylist() == [
        {"a": "12345678901234567890123", "b": "1.10", "c": "-1E5", "d": "0.1e-400", "e": "true", "f": "false"}
    ]


def test_a_byte_order_mark_is_no_harm(settings):
    assert read_records(b'\xef\xbb\xbf[{"a": "x"}]', settings).to_pydict() == {"a": ["x"]}


REFUSED = {
    "nothing": (b"", "request.json"),
    "no JSON": (b"age,city\n41,Bonn\n", "request.json"),
    "cut short": (b'[{"age": 41', "request.json"),
    "two documents": (b"[{}] [{}]", "request.json"),
    "UTF-16": ("[]".encode("utf-16"), "request.json"),
    "not UTF-8": (b'[{"a": "\xff"}]', "request.json"),
    "NUL": (b"\x00", "request.json"),
    "NaN": (b'[{"a": NaN}]', "request.json"),
    "Infinity": (b'[{"a": -Infinity}]', "request.json"),
    "a number out of range": (b'[{"a": 1e999}]', "request.json"),
    "a huge whole number": (b'[{"a": 1' + b"0" * 400 + b"}]", "request.json"),
    "a million digits": (b'[{"a": ' + b"7" * 1_000_000 + b"}]", "request.json"),
    "a million zeros": (b'[{"a": 0.' + b"0" * 1_000_000 + b"}]", "request.json"),
    "a name twice": (b'[{"a": 1, "a": 2}]', "request.json"),
    "a name twice but for blanks": (b'[{"a": 1, " a": 2}]', "request.json"),
    "a wrapper twice": (b'{"inputs": [{}], "inputs": [{}]}', "request.json"),
    "deep lists": (b"[" * 100_000, "request.json"),
    "deep objects": (b'{"a":' * 100_000, "request.json"),
    "half a character": (rb'[{"a": "\ud800"}]', "request.json"),
    "half a character beside a flag": (rb'[{"a": "\udfff"}, {"a": true}]', "request.json"),
    "half a character in a name": (rb'[{"\ud800": 1}]', "request.json"),
    "half a character in a name twice": (rb'[{"\ud800": 1, "\ud800": 1}]', "request.json"),
    "half a character beside a wrapper": (rb'{"inputs": [{}], "\ud800": 1}', "request.records"),
    "half a character with a list": (rb'[{"\ud800x": [1]}]', "request.json"),
    "a number": (b"7", "request.records"),
    "a text": (b'"age"', "request.records"),
    "null": (b"null", "request.records"),
    "a list of lists": (b"[[41]]", "request.records"),
    "a list of numbers": (b"[41, 42]", "request.records"),
    "a record that is null": (b'[{"a": 1}, null]', "request.records"),
    "a list as a value": (b'[{"a": [1]}]', "request.records"),
    "an object as a value": (b'[{"a": {"b": 1}}]', "request.records"),
    "an object as the only value": (b'{"a": {"b": 1}}', "request.records"),
    "an empty name": (b'[{" ": 1}]', "request.records"),
    "columns of lists": (b'{"inputs": {"age": [41]}}', "request.records"),
    "params of MLflow": (b'{"inputs": [{}], "params": {"x": 1}}', "request.records"),
    "two wrappers": (b'{"inputs": [{}], "dataframe_records": [{}]}', "request.records"),
    "split as a list": (b'{"dataframe_split": []}', "request.records"),
    "split without rows": (b'{"dataframe_split": {"columns": ["a"]}}', "request.records"),
    "split with more": (b'{"dataframe_split": {"columns": ["a"], "data": [[1]], "x": 1}}', "request.records"),
    "split with other names": (b'{"dataframe_split": {"columns": [null], "data": [[1]]}}', "request.records"),
    "nothing but an empty record": (b"[{}]", "request.records"),
    "split with short rows": (b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1]]}}', "request.records"),
    "split with a record": (b'{"dataframe_split": {"columns": ["a"], "data": [{"a": 1}]}}', "request.records"),
    "split with a name twice": (b'{"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}', "request.json"),
    "no records": (b"[]", "file.no_rows"),
    "no records in a wrapper": (b'{"inputs": []}', "file.no_rows"),
    "no rows in a split": (b'{"dataframe_split": {"columns": ["a"], "data": []}}', "file.no_rows"),
    "100,000 records": (b"[" + b'{"a":1},' * 99_999 + b'{"a":1}]', "request.too_large"),
    "a million empty lists": (b"[" + b"[]," * 999_999 + b"[]]", "request.too_large"),
    "many cells": (
        json.dumps([{f"c{number}": 1} for number in range(1_001)] + [{}] * 1_000).encode(),
        "request.too_large",
    ),
    "8 MiB and a byte": (b" " * (records.MAX_BYTES + 1), "request.too_large"),
    "5,001 columns": (json.dumps({f"c{number}": 1 for number in range(5_001)}).encode(), "file.too_many_columns"),
    "a large cell": (json.dumps([{"a": "x" * (1024**2 + 1)}]).encode(), "file.cell_too_large"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_t25_what_is_no_table_is_refused_in_words(name, settings):
    content, code = REFUSED[name]
    with pytest.raises(AppError) as refused:
        read_records(content, settings)
    assert refused.value.code == code
    assert refused.value.hint
    refused.value.message.encode()  # it can be sent
    assert len(refused.value.message) < 400


def test_the_largest_that_is_taken(settings):
    assert read([{"a": number} for number in range(records.MAX_RECORDS)], settings).num_rows == records.MAX_RECORDS
    text = "x" * settings.max_cell_bytes
    assert read([{"a": text}], settings)["a"].to_pylist() == [text]


def test_the_limit_on_columns_is_that_of_files(settings):
    few = replace(settings, max_columns=2)
    assert read([{"a": 1, "b": 2}], few).num_columns == 2
    with pytest.raises(AppError, match="3 columns; the limit is 2"):
        read([{"a": 1, "b": 2}, {"c": 3}], few)


CELLS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
ANY_JSON = st.recursive(CELLS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


@hypothesis_settings(max_examples=300, deadline=None)
@given(body=st.lists(st.dictionaries(st.text("abcß🦊 ", min_size=1, max_size=3), CELLS), min_size=1, max_size=5))
def test_records_come_back_as_they_were(body, settings):
    with suppress(AppError):  # of names that are blank, or the same but for blanks
        check_rows(body, read(body, settings).to_pylist())


def check_rows(body, found):
    for record, row in zip(body, found, strict=True):
        for name, value in record.items():
            expected = value if isinstance(value, str) or value is None else json.dumps(value)
            assert row[name.strip()] == expected


@hypothesis_settings(max_examples=300, deadline=None)
@given(
    content=st.binary(max_size=60)
    | ANY_JSON.map(lambda body: json.dumps(body).encode())
    | st.lists(st.sampled_from([b"[", b"]", b"{", b"}", b'"a"', b":", b",", b"1", rb'"\ud800"', b"NaN"])).map(b"".join)
)
def test_t25_any_bytes_are_read_or_refused(content, settings):
    try:
        assert read_records(content, settings).num_rows > 0
    except AppError as error:
        error.message.encode()
