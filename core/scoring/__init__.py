"""A file or a case in, the same rows with predictions out, one record for each."""
