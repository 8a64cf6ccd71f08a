"""The registry of files taken in, their versions and previews."""
