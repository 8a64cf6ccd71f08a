"""Monitor page."""

__all__ = ["alerts", "drift", "outcomes", "schedule", "scorings", "seen"]
