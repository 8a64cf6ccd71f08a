"""H2O's REST interface: one module per facet on top of client.py."""

__all__ = ["addresses", "automl", "baselines", "client", "explain", "frames", "imports", "models", "spec"]
