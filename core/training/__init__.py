"""One run from its settings to its stored models."""

__all__ = ["baselines", "estimate", "events", "keeper", "plan", "presets", "progress", "proof", "trainer", "wording"]
