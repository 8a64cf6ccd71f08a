"""Prepare page."""
