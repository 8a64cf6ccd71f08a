"""What is computed once, for the leader and the next best models of a run."""

__all__ = ["compute", "grids", "permutation", "shapley", "varied"]
