"""Whether a run can be had again: as a script, or trained anew and compared."""

__all__ = ["reproduce", "verification"]
