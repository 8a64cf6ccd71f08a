"""The Settings page: limits that can be changed, who signed in, tokens of programs, and what was done."""

__all__ = ["activity", "limits", "sign_ins", "tokens"]
