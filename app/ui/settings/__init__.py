"""The Settings page: limits that can be changed, tokens of programs, and what was done."""

__all__ = ["activity", "limits", "tokens"]
