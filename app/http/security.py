"""What every response and every connection must pass: known Host, known Origin, safe headers.

Streamlit's own `server.allowedHosts` guards the websocket only; this guards every HTTP route as well, so that neither a
name pointed at 127.0.0.1 (DNS rebinding) nor another site's page can reach the app.
"""

import base64
import hashlib
import ipaddress
import json
import logging
import re
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import streamlit as st
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from app.ui import sign_in
from core.settings import Settings

_log = logging.getLogger(__name__)
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_MIB = 1024**2
_HTTP, _SOCKET = "http", "websocket"
_HOST_HINT = "Open the app under localhost, or name the host in BELLWETHER_ALLOWED_HOSTS."
_OPEN_HINT = "Set up sign-in (docs/security.md), or set BELLWETHER_OPEN_TO_NETWORK=1 in a network that you trust."


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """Return the host names, without ports, under which the app answers."""
    extra = (host_name(part.strip()) for part in settings.allowed_hosts.split(",") if part.strip())
    return LOOPBACK_HOSTS | {name for name in extra if name}


def host_name(host: str) -> str:
    """Return the lower-case name of a Host header, without port, brackets and final dot; "" when it is not one.

    Examples
    --------
    >>> host_name("[::1]:8501"), host_name("Localhost."), host_name("a@b:c")
    ('::1', 'localhost', '')
    """
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018 - raises for a port that is not a number
    except ValueError:
        return ""
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return ""
    return (parts.hostname or "").rstrip(".")


def origin_name(origin: str) -> str:
    """Return the host name of an Origin header; "" for "null" and whatever is not http or https."""
    scheme, _, host = origin.partition("://")
    return host_name(host) if scheme in ("http", "https") else ""


_EARLY: Final = ("PlotlyChart.*.js", "DataFrame.*.js")


def security_headers(host: str = "") -> dict[str, str]:
    """Return the headers of every response.

    Parameters
    ----------
    host : str
        The request's Host, already allowed: the pages' websocket may go there and nowhere else.
    """
    sockets = f" ws://{host} wss://{host}" if host else ""
    policy = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", *_INLINE_SCRIPTS]),
        "style-src": "'self' 'unsafe-inline'",  # Streamlit and Plotly write style elements
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": f"'self' data: blob:{sockets}",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


def _inline_scripts() -> tuple[str, ...]:
    """Return the CSP hashes of the scripts that stand in Streamlit's page itself."""
    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return tuple(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


_INLINE_SCRIPTS = _inline_scripts()


def _early_parts() -> str:
    """Return the header that lets a browser fetch early what the first figure and the first table need."""
    scripts = Path(st.__file__).parent / "static" / "static" / "js"
    names = sorted(path.name for pattern in _EARLY for path in scripts.glob(pattern))
    return ", ".join(f"<./static/js/{name}>; rel=modulepreload" for name in names)


_EARLY_PARTS = _early_parts()


class Guard:
    """ASGI middleware: refuses foreign hosts and origins, adds the headers to every response.

    Parameters
    ----------
    app : ASGI application
        What it stands before.
    hosts : iterable of str
        Host names that are allowed, without ports.
    is_open : callable
        Whether other machines than this one are answered.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], is_open: Callable[[], bool]) -> None:
        self.app = app
        self.hosts = frozenset(hosts)
        self.is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in (_HTTP, _SOCKET):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        known = host_name(host) in self.hosts
        guarded = _with_headers(send, security_headers(host if known else ""))
        if not known:
            await _refuse(scope, receive, guarded, "host.refused", "This host name is not one of the app's.")
        elif "origin" in headers and origin_name(headers["origin"]) not in self.hosts:
            await _refuse(scope, receive, guarded, "origin.refused", "Requests from other sites are refused.")
        elif not (_is_local(scope) or self.is_open()):
            message = "Without sign-in the app answers the machine that it runs on, and no other."
            await _refuse(scope, receive, guarded, "machine.refused", message, _OPEN_HINT)
        else:
            await self.app(scope, receive, guarded)


def _is_local(scope: Scope) -> bool:
    """Whether a request comes from this machine, as far as the server knows; a proxy here says for whom it asks."""
    client = scope.get("client")
    if client is None:  # a socket file
        return True
    try:
        address = ipaddress.ip_address(client[0])
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback
    except ValueError:
        return False


def _with_headers(send: Send, extra: dict[str, str]) -> Send:
    names = {name.lower().encode() for name in extra}
    pairs = [(name.lower().encode(), value.encode()) for name, value in extra.items()]

    async def guarded(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.accept", "websocket.http.response.start"):
            kept = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in names]
            is_page = any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in kept)
            early = [(b"link", _EARLY_PARTS.encode())] if is_page and _EARLY_PARTS else []
            message = {**message, "headers": [*kept, *pairs, *early]}
        await send(message)

    return guarded


async def _refuse(scope: Scope, receive: Receive, send: Send, code: str, message: str, hint: str = _HOST_HINT) -> None:
    reference = uuid.uuid4().hex[:12]
    told = (scope["type"], code, reference)
    _log.warning("Refused a %s request with 403 [%s] (ref %s)", *told, extra={"ref": reference})
    body = json.dumps({"code": code, "message": message, "hint": hint, "ref": reference}).encode()
    start = {"status": 403, "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]}
    if scope["type"] == _HTTP:
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": body})
        return
    await receive()  # websocket.connect
    if "websocket.http.response" in scope.get("extensions", {}):
        await send({"type": "websocket.http.response.start", **start})
        await send({"type": "websocket.http.response.body", "body": body})
    else:
        await send({"type": "websocket.close", "code": 1008})


def middleware(settings: Settings) -> list[Middleware]:
    """Return the middleware for `st.App`."""
    return [
        Middleware(
            Guard, hosts=allowed_hosts(settings), is_open=lambda: settings.open_to_network or sign_in.is_set_up()
        )
    ]


def configure_streamlit(settings: Settings) -> None:
    """Tell Streamlit's own guards what the settings say, so that each is set in one place."""
    config.set_option("server.maxUploadSize", max(1, settings.max_upload_bytes // _MIB))
    config.set_option("server.allowedHosts", sorted(allowed_hosts(settings)))
