"""Verbs of credit: each owns its transaction, locks the facility first and posts to the ledger."""
