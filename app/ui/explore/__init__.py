"""Explore page."""
