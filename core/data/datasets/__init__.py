"""The registry of files taken in, their versions and previews."""

__all__ = ["folder", "opened", "preview", "registry", "samples", "versions"]
