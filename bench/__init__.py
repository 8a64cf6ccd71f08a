"""Measurements: each module prints one JSON object; `make bench` runs them all."""
