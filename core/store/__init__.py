"""Runs, models and the registry in MLflow; mlflow.py alone imports it."""

__all__ = ["artifacts", "catalogue_sqlite", "items", "mlflow", "records", "run_search"]
