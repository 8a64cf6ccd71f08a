"""The arithmetic of stored predictions: no store, no engine, no figure."""

__all__ = [
    "calibration",
    "curves",
    "groups",
    "intervals",
    "labels",
    "measures",
    "performance",
    "policy",
    "predictions",
    "profits",
    "ranking",
    "threshold",
    "ties",
]
