"""What people decide of models: the review of one, how it stands against the champion, promotion and its history."""

__all__ = ["against", "champions", "promotion", "section"]
