"""Verbs of the parties room: register organisations and people, grant and require authority."""
