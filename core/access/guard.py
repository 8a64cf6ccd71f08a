"""The check before every call: a service as the person may use it who acts at that moment."""

import inspect
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any, NoReturn

from core.access.permissions import CALLS, DOING
from core.access.roles import ROLES, Permission, Person, Role, roles_words
from core.errors import PermissionDeniedError, SignInError
from core.settings import Settings


class Access:
    """What people may do by the settings as they are now.

    Parameters
    ----------
    refresh : callable
        Brings the settings up to date with what administrators have changed, of whatever process.
    since : callable
        Returns the moment from which the sign-ins of a person, by name, count (`SignOuts.since`).
    """

    def __init__(self, settings: Settings, refresh: Callable[[], None], since: Callable[[str], float]) -> None:
        self._settings = settings
        self._refresh = refresh
        self._since = since

    def is_signed_out(self, person: Person) -> bool:
        """Whether an administrator has signed a person out after they signed in."""
        comes_by_provider = not person.is_owner and not person.given and bool(person.name)
        return comes_by_provider and person.signed_in_at < self._since(person.name)

    def roles(self, person: Person) -> tuple[Role, ...]:
        """Return the roles of a person; none for nobody, and for who was signed out."""
        if not person.is_owner:
            self._refresh()
        if self.is_signed_out(person):
            return ()
        return person.roles(self._settings)

    def may(self, person: Person, permission: Permission) -> bool:
        """Whether a person may do such things."""
        return any(permission in ROLES[role] for role in self.roles(person))

    def check(self, person: Person, permission: Permission) -> None:
        """Refuse what a person may not do (PermissionDeniedError), and who was signed out (SignInError)."""
        if self.is_signed_out(person):
            raise SignInError(
                "An administrator has signed you out.",
                hint="Reload the page and sign in again, so that your roles are those of today.",
                code="access.signed_out",
            )
        if not self.may(person, permission):
            raise PermissionDeniedError(
                f"Your role does not include {DOING[permission]}.",
                hint=f"Ask an administrator for the role {roles_words(permission)}.",
            )


class Guarded:
    """One service, each public call of which is checked against what `CALLS` says that it needs.

    What nobody declared cannot be reached. Where a call takes a `person`, it gets the one who signed in: nobody acts
    under another name. A token for one experiment reaches nothing of another.

    Parameters
    ----------
    member : str
        Its name among the services.
    who : callable
        Returns who acts now; asked at each call, so that a page, a cached object and a callback never act for another.
    """

    def __init__(self, target: object, member: str, access: Access, who: Callable[[], Person]) -> None:
        self._guarded = (target, CALLS[member], access, who)

    def __getattr__(self, name: str) -> Any:
        """Return a call that checks first; a value once it is checked."""
        target, calls, access, who = self._guarded
        permission = calls.get(name)
        if permission is None:
            raise AttributeError(f"{type(target).__name__}.{name} is not open to people")
        value = getattr(target, name)
        if not callable(value):
            access.check(who(), permission)
            return value
        return _checked(value, permission, access, who)


def _checked(
    call: Callable[..., Any], permission: Permission, access: Access, who: Callable[[], Person]
) -> Callable[..., Any]:
    @wraps(call)
    def checked(*args: object, **options: object) -> Any:
        person = who()
        access.check(person, permission)
        if person.is_owner:
            return call(*args, **options)
        names = _parameters(getattr(call, "__func__", call))
        given = inspect.signature(call).bind(*args, **options) if names else None
        if given is not None and "person" in names:
            given.arguments["person"] = person.name
        if person.experiment:
            told = given.arguments if given is not None else {}
            _check_experiment(person.experiment, told)
            found = call(*given.args, **given.kwargs) if given is not None else call(*args, **options)
            _check_experiment(person.experiment, {"": found})
            return found
        return call(*given.args, **given.kwargs) if given is not None else call(*args, **options)

    return checked


@cache
def _parameters(call: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(call).parameters)


def _check_experiment(own: str, told: Mapping[str, object]) -> None:
    """Refuse what names, or is of, another experiment than a token's."""
    for name, value in told.items():
        other = value if name == "experiment" else getattr(value, "experiment", None)
        if isinstance(other, str) and other != own:
            _refuse(own)
        for part in value if isinstance(value, (list, tuple)) else ():
            if getattr(part, "experiment", own) != own:
                _refuse(own)


def _refuse(own: str) -> NoReturn:
    raise PermissionDeniedError(
        f"This token is for the experiment {own} only.",
        hint="Ask for the models of that experiment, or for a token that is meant for the other one.",
        code="access.experiment",
    )
