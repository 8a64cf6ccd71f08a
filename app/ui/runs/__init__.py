"""Runs, Leaderboard and the run part of Train."""
