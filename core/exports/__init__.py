"""Results as files and answers: CSV, xlsx, JSON, Parquet, side by side."""
