"""Scoring without the cluster: stored models run by H2O's MOJO runtime in a guarded process of its own."""

__all__ = ["child", "runtime"]
