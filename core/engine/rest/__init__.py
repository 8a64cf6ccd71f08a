"""H2O's REST interface: one module per facet on top of client.py."""

__all__ = ["automl", "baselines", "client", "explain", "frames", "models", "spec"]
