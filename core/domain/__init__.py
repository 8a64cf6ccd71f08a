"""The nouns that several packages share, frozen and without behaviour: one module per noun."""

__all__ = ["aliases", "baselines", "columns", "datasets", "foreign", "formats", "models", "reading", "runs", "training"]
