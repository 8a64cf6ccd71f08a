"""The arithmetic of stored predictions: no store, no engine, no figure."""
