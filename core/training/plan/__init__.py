"""What a run will do, decided and checked before anything starts."""

__all__ = ["likely", "options", "plan", "roles", "steps", "windows"]
