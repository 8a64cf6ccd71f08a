"""The command line: what is asked for, and how an answer is written."""

__all__ = ["doctor", "main"]
