"""Train page."""

__all__ = ["baselines", "effort", "form", "options", "start", "target"]
