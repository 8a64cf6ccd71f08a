"""The HTTP interface described as OpenAPI 3.1, from the settings and the formats that are read and written."""

from typing import Any, Final

from app.http.answer import CHECK, FINDINGS, MODEL, ROWS, WARNINGS
from app.http.errors import RETRY_AFTER_S
from app.http.incoming import ANY_BYTES, RAW_ENDINGS
from app.http.query import FORMATS, JSON, PARAMETERS
from app.http.records import LISTS, MAX_BYTES, MAX_RECORDS, MAX_VALUES, SPLIT
from core import __version__
from core.exports.side_by_side import MAX_MODELS
from core.settings import Settings
from core.wording import bytes_text

_TEXT: Final = {"type": "string"}
_BYTES: Final = {"type": "string", "format": "binary"}
REFUSALS: Final = {
    400: "The request is broken, holds no file, or is not the JSON that it says it is.",
    401: "A token is needed, and none is there or it is not valid.",
    403: "The host, the origin or the sender of the request is refused, or the token is for another experiment.",
    404: "No model or experiment has this name, or it has no champion.",
    405: "This address does not support the method.",
    406: "None of the accepted formats is available.",
    408: "The body stopped arriving.",
    409: "The model's stored file was changed, or comes from another version of the engine.",
    413: "The file is over a limit.",
    415: "The body is of a kind that is not accepted.",
    422: "The file or the records do not fit the model or cannot be read, or a parameter cannot be used.",
    429: "Too many requests are in progress.",
    500: "Something went wrong that nobody expected; the log has the reference.",
    503: "The engine or the store cannot be used right now, or the disk is full.",
}
_MODEL_TEXT: Final = (
    "A model: models:/NAME@champion, models:/NAME/3, models:/m-…, or best. Give it several times to get answers side "
    "by side: `{model: answer}` in JSON, columns that end in _NAME_v3 in a file."
)
_SHAPE_TEXT: Final = (
    "JSON only. Without it `{id: label}`, or `[label, …]` without ids; records: an object per row; report: the records "
    "with model, threshold, check, warnings and metrics."
)
_PARAMETERS: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "model": (
        {"type": "array", "items": _TEXT, "maxItems": MAX_MODELS, "uniqueItems": True},
        _MODEL_TEXT,
    ),
    "experiment": (_TEXT, "Whose champion, when no model is named; needed when there are several experiments."),
    "shape": (
        {"type": "string", "enum": ["records", "report"]},
        _SHAPE_TEXT,
    ),
    "reasons": ({"type": "integer", "minimum": 0, "maximum": 10}, "How many reasons each row gets, in words."),
    "details": ({"type": "boolean"}, "Add rank, decile, trust and, for numbers, the interval."),
    "threshold": (
        {"type": "number", "minimum": 0, "maximum": 1},
        "Used instead of the threshold of the model's policy; two classes only.",
    ),
    "sheet": (_TEXT, "Sheet of a workbook; the first one with rows when omitted."),
    "columns": (
        {"type": "string", "enum": ["all", "id", "none"]},
        "Which of the file's own columns the returned file keeps.",
    ),
}
_EVERYWHERE: Final = (403, 405, 500)
# Where nobody has to sign in, no token is needed: the empty requirement.
_TOKEN: Final[list[dict[str, list[str]]]] = [{"token": []}, {}]


def describe(settings: Settings) -> dict[str, Any]:
    """Return the description.

    Parameters
    ----------
    settings : Settings
        The limits it states.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Bellwether",
            "version": __version__,
            "description": "Predictions of stored models, served by the app. docs/http.md has the details.",
        },
        "paths": {
            "/predict": {"post": _predict(settings)},
            "/models": {"get": _models()},
            "/healthz": {"get": _healthz()},
            "/metrics": {"get": _metrics()},
            "/openapi.json": {"get": _description()},
        },
        "components": {
            "schemas": _schemas(),
            "headers": _headers(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Needed where people sign in. An administrator creates tokens on the Settings page "
                    "or by `python -m core token create`.",
                }
            },
        },
    }


def _predict(settings: Settings) -> dict[str, Any]:
    bodies: dict[str, Any] = {name: {"schema": {}} for name in (*RAW_ENDINGS, ANY_BYTES)}
    form = {"type": "object", "required": ["file"], "properties": {"file": _BYTES}}
    answers: dict[str, Any] = {name: {"schema": _BYTES} for name in FORMATS}
    answers[JSON] = {"schema": _ref("Predictions")}
    told = {name: {"$ref": f"#/components/headers/{name}"} for name in (MODEL, ROWS, CHECK, FINDINGS, WARNINGS)}
    return {
        "operationId": "predict",
        "summary": "Score a file or records",
        "description": (
            "The file is checked as on the Predict page: red is refused with the findings, amber passes and is listed "
            f"in headers. At most {bytes_text(settings.max_file_bytes)}, and {settings.max_http_scorings} requests "
            f"at once. Records as JSON need no file: at most {bytes_text(MAX_BYTES)}, {MAX_RECORDS:,} records and "
            f"{MAX_VALUES:,} values. JSON is sent back unless Accept asks for a file."
        ),
        "security": _TOKEN,
        "parameters": _parameters(),
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": form}, JSON: {"schema": _ref("Rows")}, **bodies},
        },
        "responses": {
            "200": {
                "description": "One prediction per row, in the order of the file.",
                "headers": told,
                "content": answers,
            },
            **_refusals(*REFUSALS),
        },
    }


def _parameters() -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "schema": _PARAMETERS[name][0], "description": _PARAMETERS[name][1]}
        for name in PARAMETERS
    ]


def _models() -> dict[str, Any]:
    return {
        "operationId": "listModels",
        "summary": "List the models that can score",
        "security": _TOKEN,
        "responses": {
            "200": _json_answer("The champion of each experiment first.", "Models"),
            **_refusals(*_EVERYWHERE, 401, 503),
        },
    }


def _healthz() -> dict[str, Any]:
    return {
        "operationId": "health",
        "summary": "Return the state of the app; starts nothing; `detail` needs a token",
        "security": _TOKEN,
        "parameters": [
            {
                "name": "detail",
                "in": "query",
                "schema": {"type": "string", "enum": ["1"]},
                "description": "1 adds numbers: runs, scorings, heap, databases, free space, last backup.",
            }
        ],
        "responses": {
            "200": _json_answer("The app answers.", "Health"),
            **_refusals(*_EVERYWHERE, 401),
            "503": _json_answer("The home cannot be opened, or is damaged: `store` is the error's code.", "Health"),
        },
    }


def _metrics() -> dict[str, Any]:
    return {
        "operationId": "metrics",
        "summary": "Return numbers for Prometheus; starts nothing",
        "security": _TOKEN,
        "responses": {
            "200": {
                "description": "Numbers in the text form of Prometheus, or of OpenMetrics where Accept asks for it.",
                "content": {name: {"schema": _TEXT} for name in ("text/plain", "application/openmetrics-text")},
            },
            **_refusals(*_EVERYWHERE, 401),
        },
    }


def _description() -> dict[str, Any]:
    found = {"description": "This description.", "content": {JSON: {"schema": {"type": "object"}}}}
    return {
        "operationId": "describe",
        "summary": "This description",
        "responses": {"200": found, **_refusals(*_EVERYWHERE, 503)},
    }


def _refusals(*statuses: int) -> dict[str, Any]:
    return {str(status): _refusal(status) for status in sorted(statuses)}


def _refusal(status: int) -> dict[str, Any]:
    answer = _json_answer(REFUSALS[status], "Unfit" if status == 422 else "Error")
    if status == 401:
        answer["headers"] = {"WWW-Authenticate": {"description": "How to sign in.", "schema": _TEXT}}
    if status in RETRY_AFTER_S:
        answer["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    return answer


def _json_answer(text: str, schema: str) -> dict[str, Any]:
    return {"description": text, "content": {JSON: {"schema": _ref(schema)}}}


def _ref(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}


def _headers() -> dict[str, Any]:
    return {
        MODEL: {"description": "The URI of each model that was used.", "schema": _TEXT},
        ROWS: {"description": "Rows of the file.", "schema": {"type": "integer"}},
        CHECK: {"description": "Verdict of the check.", "schema": {"type": "string", "enum": ["green", "amber"]}},
        FINDINGS: {
            "description": "The amber findings: a JSON list of `{code, column, count}`, in ASCII.",
            "schema": _TEXT,
        },
        WARNINGS: {
            "description": "What was guessed, left out, renamed or not read: a JSON list of sentences, in ASCII.",
            "schema": _TEXT,
        },
        "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
    }


def _schemas() -> dict[str, Any]:
    label = {"type": ["string", "number", "null"]}
    record = {"type": "object", "properties": {"prediction": label}, "required": ["prediction"]}
    finding = _object(verdict=_TEXT, code=_TEXT, text=_TEXT, column=_TEXT, count={"type": "integer"})
    check = _object(verdict=_TEXT, findings={"type": "array", "items": _ref("Finding")})
    error = _object(code=_TEXT, message=_TEXT, hint=_TEXT, ref=_TEXT)
    model = _object(
        uri=_TEXT, experiment=_TEXT, version={"type": ["integer", "null"]}, is_champion={"type": "boolean"},
        algo=_TEXT, task=_TEXT, created_at={"type": "string", "format": "date-time"},
    )  # fmt: skip
    report = _object(
        model=_TEXT, experiment=_TEXT, version={"type": ["integer", "null"]}, rows={"type": "integer"},
        threshold={"type": ["number", "null"]}, check=_ref("Check"), warnings={"type": "array", "items": _TEXT},
        metrics={"type": "object"}, predictions={"type": "array", "items": _ref("Record")},
    )  # fmt: skip
    by_id = {"type": "object", "additionalProperties": label, "title": "Label by id"}
    in_order = {"type": "array", "items": label, "title": "Labels in order"}
    records = {"type": "array", "items": _ref("Record"), "title": "Records"}
    one = [by_id, in_order, records, _ref("Report")]
    several = {"type": "object", "additionalProperties": {"anyOf": one}, "title": "Answers by model"}
    return {
        **_rows(),
        "Predictions": {"anyOf": [*one, several]},
        "Record": record,
        "Report": report,
        "Check": check,
        "Finding": finding,
        "Error": error,
        "Unfit": {
            **error,
            "properties": {**error["properties"], "findings": {"type": "array", "items": _ref("Finding")}},
        },
        "Models": _object(models={"type": "array", "items": model}),
        "Health": _object(status=_TEXT, engine=_TEXT, store=_TEXT, version=_TEXT),
    }


def _rows() -> dict[str, Any]:
    """Return the schemas of what can be sent as JSON; see `app.http.records`."""
    cell = {"type": ["string", "number", "boolean", "null"]}
    split = _object(
        columns={"type": "array", "items": _TEXT}, data={"type": "array", "items": {"type": "array", "items": cell}}
    )
    rows = {"type": "array", "items": _ref("Row"), "minItems": 1, "maxItems": MAX_RECORDS, "title": "Records"}
    wrapped = [{**_object(**{name: rows}), "title": f"Records as {name}"} for name in LISTS]
    in_columns = {**_object(**{SPLIT: split}), "title": "Columns and rows"}
    return {
        "Row": {"type": "object", "additionalProperties": cell, "title": "One record"},
        "Rows": {"anyOf": [rows, *wrapped, in_columns, _ref("Row")]},
    }


def _object(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object with these properties, all of them there."""
    return {"type": "object", "properties": properties, "required": list(properties)}
