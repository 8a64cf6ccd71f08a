"""Explain page: the registry of its views, the opened model, the small views."""
