"""Pieces that several pages share; knows no page."""
