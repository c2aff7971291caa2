"""The verbs of the factoring room."""
