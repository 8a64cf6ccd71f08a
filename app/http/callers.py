"""Who sends a request: a program with a token where people sign in, else whoever is on this machine."""

from typing import TYPE_CHECKING, Final

from anyio import to_thread
from starlette.requests import Request

from app.ui import sign_in
from core.access.roles import OWNER, Person
from core.access.tokens import PREFIX
from core.errors import SignInError

if TYPE_CHECKING:
    from core.services import Services

_SCHEME: Final = "bearer"


async def find_caller(request: Request, services: "Services") -> Person:
    """Return who sends a request; only a token needs a thread to be looked at.

    A token of ours is looked at in any case, another one only where people sign in: elsewhere a proxy may send its own.

    Raises
    ------
    SignInError
        If a token is needed and none is there (``access.sign_in``), or it is not valid (``token.…``).
    """
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    token = text.strip() if scheme.lower() == _SCHEME else ""
    is_needed = sign_in.is_set_up()
    if token and (is_needed or token.startswith(f"{PREFIX}_")):
        return await to_thread.run_sync(services.tokens.person_of, token)
    if is_needed:
        raise SignInError("This request needs a token.")
    return OWNER
