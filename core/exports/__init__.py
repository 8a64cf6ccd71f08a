"""Results as files and answers: CSV, xlsx, JSON, Parquet, side by side.

What writes a file leaves nothing behind when it fails: `DiskFullError`, or `OSError` for another reason.
"""

__all__ = ["answers", "side_by_side", "tables", "template"]
