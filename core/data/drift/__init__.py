"""How far values are from those of a reference that survives JSON."""
