"""The case every demo and test tells, played through the public services."""
