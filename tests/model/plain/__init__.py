"""The platform in plain Python: no database, no framework, nothing of the product is imported."""
