"""Organisations, people, roles, authority limits and who may see what."""
