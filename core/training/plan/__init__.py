"""What a run will do, decided and checked before anything starts."""

__all__ = ["in_time", "likely", "options", "plan", "presets", "roles", "steps", "windows"]
