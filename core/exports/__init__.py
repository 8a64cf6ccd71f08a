"""Results as files and answers: CSV, xlsx, JSON, Parquet, side by side."""

__all__ = ["answers", "side_by_side", "tables", "template"]
