"""From a file's columns to exactly what the engine gets, for training, scoring and explaining alike."""

__all__ = ["actual", "case", "checking", "engine_input", "features", "indicators", "matching", "own_names", "row_notes"]
