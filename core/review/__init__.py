"""What a team decides about models: comments, approval, promotion, the champion history and problem cards."""

__all__ = ["checklist", "difference", "problems", "retraining", "reviews"]
