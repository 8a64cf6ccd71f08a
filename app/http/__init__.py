"""The HTTP interface beside the pages."""

__all__ = ["routes", "security"]
