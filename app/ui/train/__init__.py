"""Train page."""

__all__ = ["baselines", "effort", "form", "judged", "options", "start", "target"]
