"""What a request to `POST /predict` asks for: parameters and the format of the answer, checked before the body."""

from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from starlette.requests import Request

from core.errors import DataError, RequestError
from core.exports.side_by_side import MAX_MODELS
from core.scoring.result import Keep

Shape = Literal["records", "report"]

# The first is what a client gets that says nothing, or that anything will do.
FORMATS: Final = {
    "application/json": ".json",
    "text/csv": ".csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.apache.parquet": ".parquet",
}
JSON: Final = "application/json"
PARAMETERS: Final = ("model", "experiment", "shape", "reasons", "details", "threshold", "sheet", "columns")
_REPEATABLE = "model"
_TRUE, _FALSE = ("1", "true", "yes"), ("", "0", "false", "no")


@dataclass(frozen=True, kw_only=True)
class Query:
    """What is requested.

    Attributes
    ----------
    models : tuple of str
        Model URIs, or ``best``; empty for the champion. Several give answers side by side.
    media_type : str
        A key of `FORMATS`.
    columns : str
        Which of the file's own columns a file sent back holds.
    """

    models: tuple[str, ...]
    experiment: str | None
    shape: Shape | None
    reasons: int
    details: bool
    threshold: float | None
    sheet: str | None
    columns: Keep
    media_type: str

    @property
    def suffix(self) -> str:
        """The ending of a file in the requested format."""
        return FORMATS[self.media_type]


def read_query(request: Request) -> Query:
    """Read the parameters and the Accept header of a request.

    Raises
    ------
    RequestError
        ``request.parameter``: one that is unknown, given twice, or too many models. ``request.not_acceptable``: an
        Accept that names no format there is.
    DataError
        If a value cannot be used.
    """
    given = request.query_params
    for name in dict.fromkeys(given):
        if name not in PARAMETERS:
            raise _parameter(f"Parameter {name!r} is unknown.", f"Known parameters: {', '.join(PARAMETERS)}.")
        if name != _REPEATABLE and len(given.getlist(name)) > 1:
            raise _parameter(f"{name} is given more than once.", "Give it once.")
    models = tuple(dict.fromkeys(name for name in given.getlist("model") if name))
    if len(models) > MAX_MODELS:
        raise _parameter(f"{len(models)} models are too many.", f"Ask for {MAX_MODELS} at a time.")
    reasons, details, media_type = (
        _count(given.get("reasons"), "reasons"),
        _flag(given.get("details")),
        _format(request),
    )
    return Query(
        models=models,
        experiment=given.get("experiment") or None,
        shape=_shape(given.get("shape"), media_type, is_rich=reasons > 0 or details),
        reasons=reasons,
        details=details,
        threshold=_share(given.get("threshold")),
        sheet=given.get("sheet") or None,
        columns=_columns(given.get("columns")),
        media_type=media_type,
    )


def _format(request: Request) -> str:
    accept = ",".join(request.headers.getlist("accept"))
    if not accept.strip():
        return JSON
    from werkzeug.datastructures import MIMEAccept
    from werkzeug.http import parse_accept_header

    found = parse_accept_header(accept, MIMEAccept).best_match(list(FORMATS))
    if found is None:
        hint = f"Accept one of: {', '.join(FORMATS)}."
        raise RequestError("None of the accepted formats is available.", hint=hint, code="request.not_acceptable")
    return found


def _shape(text: str | None, media_type: str, *, is_rich: bool) -> Shape | None:
    if text and media_type != JSON:
        raise DataError(
            f"shape={text} is for JSON only.", hint="Leave it out, or accept application/json.", code="predict.shape"
        )
    if text in get_args(Shape):
        return cast("Shape", text)
    if text:
        raise DataError(f"Shape {text!r} is unknown.", hint="Use records, report or nothing.", code="predict.shape")
    return "records" if is_rich else None


def _columns(text: str | None) -> Keep:
    if not text:
        return "all"
    if text not in get_args(Keep):
        raise _parameter(f"columns={text} is unknown.", f"Use one of: {', '.join(get_args(Keep))}.")
    return cast("Keep", text)


def _count(text: str | None, name: str) -> int:
    text = text or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise DataError(
            f"{name}={text!r} is not a number.", hint=f"Write {name}=3, or leave it out.", code="predict.reasons"
        )
    return int(text)


def _share(text: str | None) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError as error:
        hint = "Write threshold=0.4, or leave it out."
        raise DataError(f"threshold={text!r} is not a number.", hint=hint, code="predict.threshold") from error


def _flag(text: str | None) -> bool:
    plain = (text or "").lower()
    if plain not in (*_TRUE, *_FALSE):
        raise _parameter(f"details={text!r} is neither yes nor no.", "Write details=1, or leave it out.")
    return plain in _TRUE


def _parameter(message: str, hint: str) -> RequestError:
    return RequestError(message, hint=hint, code="request.parameter")
