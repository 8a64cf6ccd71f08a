"""Runs, Leaderboard and the run part of Train."""

__all__ = ["champions", "finding", "leaderboard", "manage", "review", "run", "tables"]
