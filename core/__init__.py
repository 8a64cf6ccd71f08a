"""Bellwether's in-process library: data in, training, runs, explanations and scoring, without a user interface."""

from core import memory as _memory

__version__ = "0.1.0"

_memory.give_back()
