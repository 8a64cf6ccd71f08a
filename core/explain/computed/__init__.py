"""What is computed once for each model of a run."""

__all__ = ["compute", "grids", "permutation", "shapley", "varied"]
