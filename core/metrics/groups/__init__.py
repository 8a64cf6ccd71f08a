"""The same per group of rows: weak spots, fairness, errors by size."""
