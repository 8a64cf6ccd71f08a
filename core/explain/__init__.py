"""Why a model says what it says: computed on the engine once, stored with the run, read without an engine."""

from core.explain.comparison import compare, load_comparison
from core.explain.compute import compute
from core.explain.export import export
from core.explain.storage import load
from core.explanations.items import Explanations

__all__ = ["Explanations", "asked", "case", "compare", "compute", "export", "load", "load_comparison", "more", "sample"]
