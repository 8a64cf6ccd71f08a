"""A stored model, opened: the one place that knows the names of its files."""

__all__ = [
    "backtest", "beside", "board", "decisions", "evaluation", "groups", "judged", "leaderboard", "opened", "removal",
    "standing",
]  # fmt: skip
