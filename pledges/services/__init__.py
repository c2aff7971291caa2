"""The verbs of the rights engine; nothing else changes a position."""
