"""The page `/docs`: the HTTP interface to try, as three files of our own that need no other server."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_FOLDER = Path(__file__).resolve().parent / "static" / "docs"
_FILES = {
    "/docs": ("index.html", "text/html"),
    "/docs/try.js": ("try.js", "text/javascript"),
    "/docs/try.css": ("try.css", "text/css"),
    "/docs/mark.svg": ("mark.svg", "image/svg+xml"),
}


async def _send(content: bytes, media_type: str, _request: Request) -> Response:
    return Response(content, media_type=media_type, headers={"Cache-Control": "no-cache"})


# Read once: a request names none of these files, and none can be asked for that is not here.
PAGES: "dict[str, Callable[[Request], Awaitable[Response]]]" = {
    path: partial(_send, (_FOLDER / name).read_bytes(), media_type) for path, (name, media_type) in _FILES.items()
}
