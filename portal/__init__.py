"""Pages and commands that span the chain."""
