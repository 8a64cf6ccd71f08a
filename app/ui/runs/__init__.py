"""Runs, Leaderboard and the run part of Train."""

__all__ = ["champions", "finding", "foreign", "leaderboard", "manage", "review", "run", "standing", "tables"]
