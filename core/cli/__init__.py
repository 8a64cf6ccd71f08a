"""The command line, one module per group of commands."""

__all__ = ["data", "doctor", "queue", "report", "reproduce", "score", "train"]
