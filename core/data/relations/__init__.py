"""How columns go with each other and with the target: arithmetic, no words for people but method names."""

__all__ = ["associations", "binning", "leakage", "pairs", "relations", "timelines"]
