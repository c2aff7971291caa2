"""Reads that span the chain. Each takes the actor and sees only what the actor may see."""
