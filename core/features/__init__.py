"""From a file's columns to exactly what the engine gets, for training, scoring and explaining alike."""

__all__ = ["checking", "engine_csv", "features", "matching", "row_notes"]
