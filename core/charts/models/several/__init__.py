"""Figures of several models together."""

__all__ = ["backtest", "beside", "compare", "progress"]
