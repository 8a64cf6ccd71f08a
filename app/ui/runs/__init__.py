"""Runs, Leaderboard and the run part of Train."""

__all__ = ["finding", "foreign", "leaderboard", "manage", "run", "selection", "standing", "tables"]
