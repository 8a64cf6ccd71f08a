"""One function per part of the model report: Contents -> Markup."""

__all__ = ["backtest", "data", "groups", "limits", "quality", "why"]
