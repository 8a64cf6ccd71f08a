"""Explain: how well it does, where it fails, what is decided."""
