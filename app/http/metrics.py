"""What the app does, in the text form of Prometheus: requests as they are answered, the home when it is asked."""

import time
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.ui import services
from core.errors import AppError
from core.state import HomeState

ROUTES: Final = frozenset({"/predict", "/models", "/healthz", "/metrics", "/openapi.json", "/docs"})
_OTHER: Final = (
    "page"  # pages, their files and whatever else somebody asks for: a label of its own each would be endless
)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)

REGISTRY: Final = CollectorRegistry()
_SECONDS: Final = Histogram(
    "bellwether_http_request_seconds", "Seconds until a request was answered whole.", ("method", "route", "status"),
    buckets=_BUCKETS_S, registry=REGISTRY,
)  # fmt: skip


class Timed:
    """ASGI middleware that measures each HTTP request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.monotonic(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            route = scope["path"] if scope["path"] in ROUTES else _OTHER
            method = scope["method"] if scope["method"] in _METHODS else "other"
            _SECONDS.labels(method, route, str(status)).observe(time.monotonic() - begun)


class HomeCollector(Collector):
    """Looks at the home each time that it is asked; what cannot be read is left out, and `bellwether_up` is 0."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Return no names before somebody asks: that would open the home."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the numbers."""
        built = services.find_services()
        try:
            state = None if built is None else built.state()
        except AppError:
            state = None
        yield GaugeMetricFamily("bellwether_up", "1 if the home is open and can be read.", int(state is not None))
        if state is not None:
            yield from _families(state)


def _families(state: HomeState) -> Iterator[GaugeMetricFamily]:
    for name, text, label, counts in (
        ("bellwether_runs", "Runs in each status; queued and running are the queue.", "status", state.runs),
        ("bellwether_scorings", "Recorded scorings in each status.", "status", state.scorings),
        ("bellwether_store_bytes", "Size of each database.", "database", state.store_bytes),
    ):
        family = GaugeMetricFamily(name, text, labels=[label])
        for value, count in counts.items():
            family.add_metric([value], count)
        yield family
    yield GaugeMetricFamily("bellwether_disk_free_bytes", "Free space on the disk of the home.", state.free_bytes)
    yield GaugeMetricFamily("bellwether_engine_ready", "1 if the engine runs.", int(state.engine == "ready"))
    if state.memory is not None:
        yield GaugeMetricFamily("bellwether_engine_heap_bytes", "Heap in use.", state.memory.used_bytes)
        yield GaugeMetricFamily("bellwether_engine_heap_max_bytes", "Largest heap allowed.", state.memory.max_bytes)
    if state.last_backup is not None:
        moment = state.last_backup.timestamp()
        yield GaugeMetricFamily("bellwether_last_backup_seconds", "When the newest copy was made, since 1970.", moment)


ProcessCollector(registry=REGISTRY)
REGISTRY.register(HomeCollector())


def exposition(accept: str) -> tuple[bytes, str]:
    """Return all numbers and their media type, in the form that a scraper accepts; runs in a thread."""
    encode, media_type = choose_encoder(accept)
    return encode(REGISTRY), media_type
