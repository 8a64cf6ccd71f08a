"""Monitor page."""
