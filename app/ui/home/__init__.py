"""Home page: the ways in, where a person left off, and what goes on."""

__all__ = ["left_off", "ways", "work"]
