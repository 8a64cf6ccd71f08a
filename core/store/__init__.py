"""Runs, models and the registry in MLflow; mlflow.py alone imports it."""
