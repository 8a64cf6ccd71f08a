"""Whether a run can be repeated: as a script, or trained again and compared."""

__all__ = ["reproduce", "verification"]
