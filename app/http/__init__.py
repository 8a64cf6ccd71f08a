"""The HTTP interface beside the pages."""

__all__ = ["metrics", "routes", "security"]
