"""Files in: every file is opened in a guarded child and comes back as one Parquet file of source text."""

__all__ = ["like", "reader"]
