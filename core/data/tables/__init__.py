"""What text and cells mean: column types inferred once, applied to every later file; tables in little memory."""

__all__ = [
    "batches",
    "codes",
    "distinct",
    "few",
    "levels",
    "packed",
    "remarks",
    "roles",
    "schema",
    "stored",
    "writing",
    "written",
]
