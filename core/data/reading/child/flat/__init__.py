"""Text files: encoding, separator, quotes, and rows out of lines."""

__all__ = ["separated"]
