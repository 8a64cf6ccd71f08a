"""Monitor page."""

__all__ = ["alerts", "drift", "outcomes", "scorings", "seen"]
