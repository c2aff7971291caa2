"""Commands of the common room."""
