"""A stored model as others open it: with the part of Bellwether that scores it, and what is said of it."""

__all__ = ["description", "library"]
