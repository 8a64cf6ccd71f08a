"""The HTTP interface beside the pages: `POST /predict` and `GET /healthz`.

Every error is `{code, message, hint}`; an error that nobody expected is a reference id, with the rest in the log.
"""

import json
import logging
import uuid
from functools import partial
from pathlib import Path

from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.ui import services, uploads
from app.ui.security import security_headers
from core import __version__
from core.errors import (
    AppError,
    DataError,
    DatasetInUseError,
    EngineError,
    FileTooLargeError,
    ModelIncompatibleError,
    ModelIntegrityError,
    PermissionDeniedError,
    QueueFullError,
    SettingsError,
    StoreError,
)

_log = logging.getLogger(__name__)
_SCORINGS = CapacityLimiter(4)
_STATUS: tuple[tuple[type[AppError], int], ...] = (
    (FileTooLargeError, 413),
    (DatasetInUseError, 409),
    (QueueFullError, 409),
    (ModelIntegrityError, 409),
    (ModelIncompatibleError, 409),
    (PermissionDeniedError, 403),
    (EngineError, 503),
    (StoreError, 503),
    (SettingsError, 503),
)


def status_of(error: AppError) -> int:
    """Return the HTTP status that says what kind of error this is."""
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return status
    if error.code == "request.invalid":
        return 400
    return 404 if error.code.endswith(".not_found") else 422


async def healthz(_request: Request) -> Response:
    """Say how the app is, without starting anything."""
    found = services.find_services()
    engine = "stopped" if found is None else (await to_thread.run_sync(found.engine.status)).state
    store = "opening" if found is None else "ready"
    return JSONResponse({"status": "ok", "engine": engine, "store": store, "version": __version__})


async def predict(request: Request) -> Response:
    """Score the multipart field `file`; answers `{id: label}`, `[label, …]` or, with ``shape=records``, records."""
    try:
        built = await to_thread.run_sync(services.get_services)
        path, file_name = await uploads.receive(
            request.headers.get("content-type", ""), request.stream(), built.settings
        )
        try:
            score = partial(_score, path, file_name, dict(request.query_params))
            body = await to_thread.run_sync(score, limiter=_SCORINGS)
        finally:
            path.unlink(missing_ok=True)
    except AppError as error:
        return JSONResponse(error.to_dict(), status_code=status_of(error))
    except ClientDisconnect:
        return Response(status_code=400)
    return Response(body, media_type="application/json")


def _score(path: Path, file_name: str, query: dict[str, str]) -> bytes:
    from core.answers import answer

    scored = services.get_services().scorer.score_file(
        path,
        file_name,
        model_uri=query.get("model") or None,
        experiment=query.get("experiment") or None,
        reasons=_count(query, "reasons"),
    )
    # Written here, in the thread: a million labels take long enough to hold up everybody's pages.
    return json.dumps(
        answer(scored, query.get("shape") or ("records" if _count(query, "reasons") else None)),
        ensure_ascii=False,
        allow_nan=False,
    ).encode()


def _count(query: dict[str, str], name: str) -> int:
    text = query.get(name) or "0"
    if not (text.isascii() and text.isdigit()):
        raise DataError(
            f"{name}={text!r} is no number.", hint=f"Write {name}=3, or leave it out.", code="predict.reasons"
        )
    return int(text)


async def unexpected(request: Request, error: Exception) -> Response:
    """Answer for an error that nobody expected; the server logs the rest of it."""
    reference = uuid.uuid4().hex[:12]
    _log.error("Unexpected error (ref %s) in %s %s", reference, request.method, request.url.path, exc_info=error)
    body = {
        "code": "app.unexpected",
        "message": f"Something went wrong (ref {reference}).",
        "hint": "Try again; if it happens again, look for the reference in the application log.",
    }
    return JSONResponse(body, status_code=500, headers=security_headers())


ROUTES = [Route("/healthz", healthz, methods=["GET"]), Route("/predict", predict, methods=["POST"])]
