"""Commands on tokens: what programs sign in with where people do."""

import argparse
from typing import TYPE_CHECKING, Any

from core.cli.progress import PERSON

if TYPE_CHECKING:
    from core.ledger.tokens import Token
    from core.services import Services


def add_create(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``token create``."""
    parser.add_argument("--name", required=True, metavar="TEXT", help="what it is for")
    parser.add_argument("--experiment", default="", metavar="NAME", help="the only experiment it is for (default: all)")
    parser.add_argument("--days", type=int, default=90, metavar="N", help="how long it is valid (default: 90)")


def add_revoke(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``token revoke``."""
    parser.add_argument("token", metavar="ID", help="the part between the underscores, as in the list")


def create(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Make a token; this is the only time that it is shown."""
    text, token = services.tokens.create(args.name, experiment=args.experiment, days=args.days, person=PERSON)
    return {"token": text, **_about(token)}


def list_tokens(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """List all tokens, the newest first."""
    return {"tokens": [_about(token) for token in services.tokens.list()]}


def revoke(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Take a token back."""
    return _about(services.tokens.revoke(args.token, person=PERSON))


def _about(token: "Token") -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "experiment": token.experiment or None,
        "created_at": token.at,
        "created_by": token.person,
        "expires_at": token.expires_at,
        "state": token.state,
    }
