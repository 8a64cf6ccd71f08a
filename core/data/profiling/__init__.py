"""What each column holds and what is unusual about it, as numbers and alerts; slices of rows."""

__all__ = ["alert", "alerts", "columns", "gaps", "histogram", "profile", "slices", "words"]
