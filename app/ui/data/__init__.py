"""Data page: a file on its way to a dataset."""
