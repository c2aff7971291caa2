"""Commodities, prices and the pledge-rate model."""
