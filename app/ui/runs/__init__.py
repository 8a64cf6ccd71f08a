"""Runs, Leaderboard and the run part of Train."""

__all__ = ["finding", "leaderboard", "manage", "run", "tables"]
