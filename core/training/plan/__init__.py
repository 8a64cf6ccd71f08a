"""What a run will do, decided and checked before anything starts."""
