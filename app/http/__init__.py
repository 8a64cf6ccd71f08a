"""The HTTP interface beside the pages."""
