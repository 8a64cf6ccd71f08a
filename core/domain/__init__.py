"""The nouns that several packages share, frozen and without behaviour: one module per noun."""

__all__ = [
    "aliases", "backtest", "baselines", "champions", "columns", "datasets", "foreign", "formats", "models",
    "reading", "runs", "training",
]  # fmt: skip
