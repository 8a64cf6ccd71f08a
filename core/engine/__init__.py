"""The engine: H2O AutoML in a JVM of our own, behind one protocol. The only place that knows H2O."""

__all__ = ["encoded", "h2o", "jvm", "mojo", "protocol", "rest"]
