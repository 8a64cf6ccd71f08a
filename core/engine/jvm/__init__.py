"""Our own JVM, or a cluster somebody else runs: started, shared, watched, ended."""

__all__ = ["external", "java", "launch", "server"]
