"""What a run will do, decided and checked before anything starts."""

__all__ = ["options", "plan", "roles", "steps"]
