"""Receivables from verified sales: assignment, advance, collection, reserve."""
