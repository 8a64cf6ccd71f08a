"""Our own JVM, or a cluster somebody else runs: started, shared, watched, ended."""

__all__ = ["embedded", "external", "java", "launch", "server"]
