"""What each column holds and what is odd about it, as numbers and alerts; slices of rows."""

__all__ = ["alert", "alerts", "columns", "gaps", "histogram", "profile", "slices", "words"]
