"""The nouns that several packages share, frozen and without behaviour: one module per noun."""

__all__ = ["baselines", "columns", "datasets", "formats", "models", "reading", "runs", "training"]
