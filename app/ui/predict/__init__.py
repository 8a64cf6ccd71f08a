"""Predict page."""
