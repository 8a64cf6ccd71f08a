"""Bellwether's own tables and the records in them; database.py alone opens the file."""
