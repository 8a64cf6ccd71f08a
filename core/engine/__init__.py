"""The engine: H2O AutoML in a JVM of our own, behind one protocol. The only place that knows H2O."""

from core.engine.h2o import H2OEngine
from core.engine.protocol import BaselineState, Engine, EngineSize, PartialDependence

__all__ = ["BaselineState", "Engine", "EngineSize", "H2OEngine", "PartialDependence", "jvm", "rest"]
