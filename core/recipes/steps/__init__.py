"""One module per family of steps; each step has learn, output, links, apply, words."""

__all__ = ["columns", "levels", "missing", "numbers"]
