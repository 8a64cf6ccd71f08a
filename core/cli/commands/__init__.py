"""The commands, one module per group."""

__all__ = [
    "compare",
    "data",
    "report",
    "reproduce",
    "restore",
    "retention",
    "retrain",
    "review",
    "runs",
    "score",
    "token",
    "train",
]
