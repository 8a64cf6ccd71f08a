"""The HTTP interface: `POST /predict`, `GET /models`, `/healthz`, `/metrics`, `/openapi.json` and `/docs`.

docs/http.md says how to use it. Every error is `{code, message, hint, ref}`; one that nobody expected is a reference
id, with the rest in the log.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Message, Receive, Scope, Send

from app.http import answer as http_answer
from app.http import docs as http_docs
from app.http import incoming, openapi
from app.http import metrics as http_metrics
from app.http import models as http_models
from app.http.callers import find_caller
from app.http.errors import refuse, unexpected
from app.http.query import Query, read_query
from app.ui import services
from core import __version__
from core.access.roles import Person
from core.errors import AppError, RequestError, TooBusyError
from core.plain import to_plain
from core.settings import Settings

if TYPE_CHECKING:
    from core.services import Services

__all__ = ["ROUTES", "unexpected"]

Handler = Callable[[Request], Awaitable[Response]]
# A row does not wait behind four files, nor behind many rows. Few rows are work in Python, which one thread does at a
# time: with many of them, each call out of Python is a change of threads, which takes longer than the call. There are
# two, so that one which waits for a model to be loaded does not hold up all.
_SCORINGS, _RECORDS, _ROWS = CapacityLimiter(4), CapacityLimiter(4), CapacityLimiter(2)
_ROWS_BYTES: Final = 64 * 1024
_DRAINED_BYTES, _DRAIN_S = 8 * 1024**2, 2.0


class Resource:
    """One address: a handler for each method; OPTIONS and every other method are answered here.

    Parameters
    ----------
    handlers : mapping of str to handler
        By method.
    also : tuple of str
        Methods that another route answers under this address.
    """

    def __init__(self, handlers: Mapping[str, Handler], *, also: tuple[str, ...] = ()) -> None:
        self._handlers = dict(handlers)
        if "GET" in handlers:
            self._handlers["HEAD"] = handlers["GET"]
        self.allowed = ", ".join(sorted({*self._handlers, *also, "OPTIONS"}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = Body(receive)
        response = await self._answer(Request(scope, body), body)
        await response(scope, receive, send)

    async def _answer(self, request: Request, body: "Body") -> Response:
        allow = {"Allow": self.allowed}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=allow)
        handler = self._handlers.get(request.method)
        try:
            if handler is not None:
                return await handler(request)
            message = f"{request.method} is not supported here."
            raise RequestError(message, hint=f"Use {self.allowed}.", code="request.method")
        except AppError as error:
            if "expect" not in request.headers:  # who waits for leave to send reads the answer at once
                await body.drain()
            return refuse(request, error, allow if error.code == "request.method" else None)
        except ClientDisconnect:
            return Response(status_code=400)


class Body:
    """The body of a request as it is received, which remembers whether it has come in whole."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.is_whole = False

    async def __call__(self) -> Message:
        """Receive one message."""
        message = await self._receive()
        self.is_whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Take in a little of what is left of a refused body: who is cut off while sending never reads why."""
        left = _DRAINED_BYTES
        with anyio.move_on_after(_DRAIN_S):
            while left > 0 and not self.is_whole:
                left -= len((await self()).get("body", b""))


class BesidePage(Route):
    """A route under the address of a page, which keeps GET and HEAD."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match everything that is not meant for the page."""
        if scope.get("method") in ("GET", "HEAD"):
            return Match.NONE, {}
        return super().matches(scope)


class _Gate:
    """Counts the scorings in progress; used by the event loop alone."""

    def __init__(self) -> None:
        self.inside = 0

    @contextmanager
    def enter(self, settings: Settings) -> Iterator[None]:
        if self.inside >= settings.max_http_scorings:
            raise TooBusyError(f"{self.inside} requests are in progress, which is the limit.")
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1


_gate = _Gate()


async def healthz(request: Request) -> Response:
    """Return the state of the app, without starting anything; with `detail=1` in numbers too."""
    found, trouble = services.find_services(), services.find_trouble()
    engine = "stopped" if found is None else (await to_thread.run_sync(found.engine.status)).state
    status, store = ("ok", "opening" if found is None else "ready") if trouble is None else ("failed", trouble.code)
    told: dict[str, object] = {"status": status, "engine": engine, "store": store, "version": __version__}
    if found is not None and (waiting := found.jobs.waits_for()):
        told["waiting"] = waiting
    if found is not None and trouble is None and request.query_params.get("detail") == "1":
        await find_caller(request, found)  # refuses who needs a token and has none
        told["detail"] = to_plain(await to_thread.run_sync(found.state))
    return JSONResponse(told, status_code=200 if trouble is None else 503)


async def metrics(request: Request) -> Response:
    """Return the numbers of the app and its home for Prometheus."""
    if (found := services.find_services()) is not None:
        await find_caller(request, found)
    content, media_type = await to_thread.run_sync(http_metrics.exposition, request.headers.get("accept", ""))
    return Response(content, headers={"Content-Type": media_type})


async def models(request: Request) -> Response:
    """List the models that can score."""
    built, caller = await _services_for(request)
    return JSONResponse(await to_thread.run_sync(http_models.list_models, built.store, caller.experiment))


async def predict(request: Request) -> Response:
    """Score the file or the records of a request and answer in the format that it accepts."""
    query, headers = read_query(request), dict(request.headers)
    built, caller = await _services_for(request)
    if caller.experiment and query.experiment is None:
        query = replace(query, experiment=caller.experiment)
    with _gate.enter(built.settings):
        if incoming.is_json(headers):
            content = await incoming.receive_json(headers, request.stream())
            score = partial(http_answer.score_records, built, content, query)
            is_quick = len(content) <= _ROWS_BYTES and not query.reasons  # reasons keep the process that scores busy
            answer = await to_thread.run_sync(score, limiter=_ROWS if is_quick else _RECORDS)
        else:
            answer = await _predict_file(built, headers, request.stream(), query)
    return answer.response()


async def _services() -> "Services":
    found = services.find_services()
    return found if found is not None else await to_thread.run_sync(services.open_services)


async def _services_for(request: Request) -> "tuple[Services, Person]":
    """Return the services, each call checked for who sends a request, and who that is."""
    built = await _services()
    caller = await find_caller(request, built)
    return built.acting_as(lambda: caller), caller


async def _predict_file(
    built: "Services", headers: Mapping[str, str], chunks: AsyncIterator[bytes], query: Query
) -> http_answer.Answer:
    path, file_name = await incoming.receive(headers, chunks, built.settings)
    try:
        # Written in the thread too: a million labels take long enough to hold up everybody's pages.
        score = partial(http_answer.score, built, path, file_name, query)
        return await to_thread.run_sync(score, limiter=_SCORINGS)
    finally:
        path.unlink(missing_ok=True)


async def description(_request: Request) -> Response:
    """Describe this interface as OpenAPI."""
    built = await _services()
    return JSONResponse(openapi.describe(built.settings))


ROUTES: list[BaseRoute] = [
    BesidePage("/predict", Resource({"POST": predict}, also=("GET", "HEAD"))),
    Route("/models", Resource({"GET": models})),
    Route("/healthz", Resource({"GET": healthz})),
    Route("/metrics", Resource({"GET": metrics})),
    Route("/openapi.json", Resource({"GET": description})),
    *(Route(path, Resource({"GET": handler})) for path, handler in http_docs.PAGES.items()),
]
