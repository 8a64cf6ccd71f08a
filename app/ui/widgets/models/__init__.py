"""Pieces about runs and their models."""

__all__ = ["card", "checklist", "leaderboard", "metrics", "problem", "report", "runs"]
