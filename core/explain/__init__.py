"""Why a model says what it says: computed once, stored with the run, read without an engine.

All of it may raise `StoreError` kin where something is read or kept, `EngineError` kin where the engine is asked, and
`DatasetNotFoundError` or `ModelNotFoundError` where what training used or stored is gone.
"""

from core.explain.comparison import importance_of_models, load_comparison
from core.explain.explainer import Explainer
from core.explain.export import export

__all__ = ["Explainer", "asked", "case", "export", "importance_of_models", "load_comparison", "points", "sample"]
