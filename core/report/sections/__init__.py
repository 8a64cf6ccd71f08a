"""One function per part of the model report: Contents -> Markup."""

__all__ = ["data", "groups", "limits", "quality", "why"]
