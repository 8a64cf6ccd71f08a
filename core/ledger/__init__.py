"""Bellwether's own tables and the records in them; database.py alone opens the file."""

__all__ = [
    "champions", "database", "outcome_records", "outcomes", "problem_cards", "reviews", "scoring_records", "scorings",
    "setting_changes", "tokens", "visits",
]  # fmt: skip
