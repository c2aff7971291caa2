"""Sites, items, lots, holds and the journal of stock events."""
