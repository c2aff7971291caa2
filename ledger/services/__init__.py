"""Verbs of the books: post, reverse, take snapshots of balances."""
