"""The engine: H2O AutoML in a JVM of our own, behind one protocol. The only place that knows H2O."""

from core.engine.h2o import H2OEngine
from core.engine.protocol import BaselineState, Engine, PartialDependence

__all__ = ["BaselineState", "Engine", "H2OEngine", "PartialDependence", "jvm", "rest"]
