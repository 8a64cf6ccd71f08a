"""How errors look over HTTP: one shape, a status that says what kind it is, and a reference into the log."""

import logging
import uuid
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.http.security import security_headers
from core.errors import (
    AppError,
    DatasetInUseError,
    EngineError,
    FileTooLargeError,
    ModelIncompatibleError,
    ModelIntegrityError,
    PermissionDeniedError,
    QueueFullError,
    RequestError,
    SettingsError,
    SignInError,
    StoreError,
    TooBusyError,
)

_log = logging.getLogger(__name__)
_BY_CODE = {
    "request.method": 405,
    "request.not_acceptable": 406,
    "request.timeout": 408,
    "request.media_type": 415,
    "request.parameter": 422,
}
_BY_KIND: tuple[tuple[type[AppError], int], ...] = (
    (RequestError, 400),
    (FileTooLargeError, 413),
    (DatasetInUseError, 409),
    (QueueFullError, 409),
    (ModelIntegrityError, 409),
    (ModelIncompatibleError, 409),
    (SignInError, 401),
    (PermissionDeniedError, 403),
    (TooBusyError, 429),
    (EngineError, 503),
    (StoreError, 503),
    (SettingsError, 503),
)
RETRY_AFTER_S = {429: 5, 503: 15}


def status_of(error: AppError) -> int:
    """Return the HTTP status that says what kind of error this is."""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    for kind, status in _BY_KIND:
        if isinstance(error, kind):
            return status
    return 404 if error.code.endswith(".not_found") else 422


def new_reference() -> str:
    """Return the reference of one refused request."""
    return uuid.uuid4().hex[:12]


def refuse(request: Request, error: AppError, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with an expected error; the log has its reference, code and, where it is ours, cause."""
    status, reference = status_of(error), new_reference()
    # Not the message: it may hold names out of the file.
    _log.warning(
        "Refused %s %s with %s [%s] (ref %s)",
        request.method,
        request.url.path,
        status,
        error.code,
        reference,
        exc_info=error if status >= 500 else None,
        extra={"ref": reference},
    )
    told = dict(headers or {})
    if status == 401:
        told["WWW-Authenticate"] = "Bearer"
    if status in RETRY_AFTER_S:
        told["Retry-After"] = str(RETRY_AFTER_S[status])
    return JSONResponse({**error.to_dict(), "ref": reference}, status_code=status, headers=told)


async def unexpected(request: Request, error: Exception) -> Response:
    """Answer for an error that nobody expected; the server logs the rest of it."""
    reference = new_reference()
    where = (reference, request.method, request.url.path)
    _log.error("Unexpected error (ref %s) in %s %s", *where, exc_info=error, extra={"ref": reference})
    body = {
        "code": "app.unexpected",
        "message": f"Something went wrong (ref {reference}).",
        "hint": "Try again; if it happens again, look for the reference in the application log.",
        "ref": reference,
    }
    return JSONResponse(body, status_code=500, headers=security_headers())
