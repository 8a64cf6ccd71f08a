"""Models in use: outcomes against promises, alerts, training again."""

__all__ = ["alerts", "monitor", "repeats", "retraining"]
