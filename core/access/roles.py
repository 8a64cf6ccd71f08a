"""Who acts, and which roles the settings give them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from core.settings import Settings

Role = Literal["admin", "analyst", "reviewer", "business"]
Permission = Literal["look", "score", "inspect", "build", "discuss", "publish", "decide", "administer"]

# What each role may do; a person with several roles may do all of it.
ROLES: Final[Mapping[Role, frozenset[Permission]]] = {
    "business": frozenset({"look", "score"}),
    "reviewer": frozenset({"look", "score", "inspect", "discuss", "publish", "decide"}),
    "analyst": frozenset({"look", "score", "inspect", "discuss", "publish", "build"}),
    "admin": frozenset(
        {"look", "score", "inspect", "discuss", "publish", "decide", "build", "administer"}
    ),
}  # fmt: skip
_EVERYBODY: Final = "*"
_GROUP: Final = "group:"


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who acts: the owner of the machine, somebody who signed in, or a program with a token.

    Attributes
    ----------
    name : str
        What is written down: the e-mail address, else the name that the provider knows. Empty for the owner, who may
        say another name with each act.
    email : str
        In lower case; empty where the provider knows none, or says that it was not verified.
    groups : frozenset of str
        Groups by the provider's claim.
    is_owner : bool
        Whether nobody has to sign in: who reaches the app on this machine may do everything.
    experiment : str
        The only one that a token is for; empty for all.
    signed_in_at : float
        When the provider said so, in seconds since 1970; 0 where nobody signs in.
    given : tuple of str
        Roles that do not come from the settings: a token's.
    """

    name: str = ""
    email: str = ""
    groups: frozenset[str] = frozenset()
    is_owner: bool = False
    experiment: str = ""
    signed_in_at: float = 0.0
    given: tuple[Role, ...] = ()

    def roles(self, settings: Settings) -> tuple[Role, ...]:
        """Return the roles that the settings give this person now; none for nobody."""
        if self.is_owner:
            return ("admin",)
        named: Mapping[Role, str] = {
            "admin": settings.admins,
            "analyst": settings.analysts,
            "reviewer": settings.reviewers,
            "business": settings.business,
        }
        return (*self.given, *(role for role, text in named.items() if self.name and self._is_in(text)))

    def _is_in(self, text: str) -> bool:
        """Whether a setting names this person: by e-mail, by domain (``@firm.com``), by ``group:NAME``, or by ``*``."""
        for part in split_names(text):
            if part == _EVERYBODY:
                return True
            if part.startswith(_GROUP):
                if part.removeprefix(_GROUP).strip() in self.groups:
                    return True
            elif part.startswith("@"):
                if "@" in self.email and f"@{self.email.rpartition('@')[2]}" == part.lower():
                    return True
            elif self.email and self.email == part.lower():
                return True
        return False


OWNER: Final = Person(is_owner=True)
NOBODY: Final = Person()


def roles_words(permission: Permission) -> str:
    """Return which roles may do such things, in words.

    Examples
    --------
    >>> roles_words("decide")
    'reviewer or admin'
    """
    return " or ".join(role for role, granted in ROLES.items() if permission in granted)


def split_names(text: str) -> list[str]:
    """Return the parts of a setting that lists people."""
    return [part.strip() for part in text.split(",") if part.strip()]


def person_of(claims: Mapping[str, object], settings: Settings) -> Person:
    """Return who a provider says has signed in.

    Parameters
    ----------
    claims : mapping of str to object
        The claims of the identity token. An address that the provider says is not verified gives no role.

    Examples
    --------
    >>> person_of({"email": "Ann@Firm.com", "groups": ["ml"]}, Settings()).email
    'ann@firm.com'
    """
    told = str(claims.get("email") or "").strip().lower()
    email = told if claims.get("email_verified") is not False else ""
    groups = claims.get(settings.groups_claim)
    listed = [groups] if isinstance(groups, str) else groups if isinstance(groups, (list, tuple)) else []
    name = email or str(claims.get("name") or claims.get("preferred_username") or claims.get("sub") or "").strip()
    at = claims.get("iat")
    return Person(
        name=name, email=email, groups=frozenset(str(group) for group in listed),
        signed_in_at=float(at) if isinstance(at, (int, float)) else 0.0,
    )  # fmt: skip
