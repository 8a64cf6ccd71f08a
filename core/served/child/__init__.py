"""What scores in somebody else's program: runs from a stored model's folder, where there need be no Bellwether."""

__all__ = ["server"]
