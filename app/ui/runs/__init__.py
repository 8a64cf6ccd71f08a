"""Runs, Leaderboard and the run part of Train."""

__all__ = ["leaderboard", "run", "tables"]
