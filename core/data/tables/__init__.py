"""What text and cells mean: column types inferred once, applied to every later file; tables in little memory."""

__all__ = [
    "batches",
    "cells",
    "codes",
    "dates",
    "distinct",
    "few",
    "levels",
    "mixed",
    "notations",
    "packed",
    "remarks",
    "roles",
    "schema",
    "signs",
    "stored",
    "writing",
]
