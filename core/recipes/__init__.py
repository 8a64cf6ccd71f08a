"""Recipes: what a person decided, what was learned for it, saved versions, a preview per step."""

__all__ = ["preview", "recipe", "saved"]
