"""The verbs of the orders room."""
