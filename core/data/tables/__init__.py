"""What text and cells mean: column types inferred once, applied to every later file; tables in little memory."""
