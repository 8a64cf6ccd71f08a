"""What runs inside the child only; imports nothing above errors, domain.reading and domain.formats."""

__all__ = ["request"]
