"""Launcher: `streamlit run app/main.py` serves the pages and the HTTP routes and owns the services, in one process."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType

# Streamlit puts only app/ on the path; everything here is imported from the folder above.
ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

# Before anything imports MLflow: nothing of ours phones home, and what we write belongs to its owner alone.
os.environ.update({"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"})
os.umask(0o077)

import streamlit as st  # noqa: E402
import uvicorn  # noqa: E402
from anyio import to_thread  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402
from streamlit import config  # noqa: E402

from app.http import metrics, routes, security  # noqa: E402
from app.ui import services  # noqa: E402
from app.ui.errors import show_unexpected  # noqa: E402
from core.logs import configure_logs  # noqa: E402
from core.settings import load_settings  # noqa: E402


def find_server() -> uvicorn.Server | None:
    """Return the server that Streamlit has started, whose handler waits for the end."""
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return server if isinstance(server, uvicorn.Server) else None


def send_at_once() -> None:
    """Let connections send each part of an answer at once.

    Streamlit opens its socket without naming TCP, so asyncio leaves Nagle's algorithm on: the body of every answer on a
    connection that stays open waited 40 ms for the client to acknowledge the headers.
    """
    server = find_server()
    if server is None:
        return
    kind: type[asyncio.Protocol] = server.config.http_protocol_class

    class AtOnce(kind):  # type: ignore[misc, valid-type]
        def connection_made(self, transport: asyncio.Transport) -> None:
            found = transport.get_extra_info("socket")
            if found is not None and found.family in (socket.AF_INET, socket.AF_INET6):
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            super().connection_made(transport)

    server.config.http_protocol_class = AtOnce


def end_with_code_0() -> None:
    """Let SIGTERM and Ctrl-C end the process in order, with exit code 0; a second Ctrl-C ends it at once.

    uvicorn raises the signal that stopped it once more, which would end the process with that signal's code.
    """
    server = find_server()
    if server is None:
        return
    server.config.timeout_graceful_shutdown = 2

    def end(number: int, _frame: FrameType | None) -> None:
        server.force_exit = server.should_exit and number == signal.SIGINT
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Build and start the services behind the first page; stop them, and what they started, at the end."""
    send_at_once()  # before the signals get another handler
    end_with_code_0()
    services.start_in_background()
    yield
    await to_thread.run_sync(services.close)


if config.get_option("server.address") is None:
    # Without it Streamlit would listen on every interface of this machine.
    sys.exit(f"error[settings.invalid]: .streamlit/config.toml was not read.\nStart it from {ROOT}, or run `make run`.")

_settings = load_settings()
security.configure_streamlit(_settings)
configure_logs(_settings)

app = st.App(
    "ui/shell.py",
    routes=routes.ROUTES,
    lifespan=lifespan,
    middleware=[Middleware(metrics.Timed), *security.middleware(_settings)],
    on_script_error=show_unexpected,
    exception_handlers={Exception: routes.unexpected},
)
