"""Data that stays with a cluster: added and scored by its address, of its rows only a sample comes here."""

__all__ = ["data"]
