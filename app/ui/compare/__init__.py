"""Parts of the Compare page."""

__all__ = ["chosen", "file", "view"]
