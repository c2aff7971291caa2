"""Commands of the risk room."""
