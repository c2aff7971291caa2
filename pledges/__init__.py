"""Positions and their conversions: what secures the lender at every moment."""
