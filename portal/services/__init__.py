"""What the portal itself writes: how a person wants to read."""
