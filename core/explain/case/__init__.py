"""One row: what the model says of it, why, what would change it."""
