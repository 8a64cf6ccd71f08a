"""Files and tables: read, described, registered, compared."""
