"""One function per part of the model report: Contents -> Html."""

__all__ = ["data", "groups", "limits", "quality", "why"]
