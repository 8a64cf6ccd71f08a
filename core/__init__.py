"""Bellwether's in-process library: data in, training, runs, explanations and scoring, without a user interface."""

__version__ = "0.1.0"
