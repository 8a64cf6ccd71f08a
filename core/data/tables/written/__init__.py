"""What is written in a cell: numbers, signs, dates and times as people write them."""

__all__ = ["cells", "clocks", "dates", "mixed", "notations", "signs"]
