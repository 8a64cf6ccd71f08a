"""What runs in the process that scores: a small JVM with H2O's MOJO runtime, asked over one socket."""

__all__ = ["java", "models", "wire"]
