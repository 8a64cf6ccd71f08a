"""One run from its settings to its stored models."""

__all__ = [
    "backtest",
    "baselines",
    "estimate",
    "events",
    "plan",
    "progress",
    "proof",
    "run_models",
    "trainer",
    "wording",
]
