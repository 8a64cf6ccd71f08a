"""Bellwether's own tables and the records in them; database.py alone opens the file."""

__all__ = ["database", "outcome_records", "outcomes", "scoring_records", "scorings"]
