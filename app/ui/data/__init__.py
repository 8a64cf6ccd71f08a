"""Data page: a file on its way to a dataset."""

__all__ = ["receiving", "remote", "tabs", "uploads"]
