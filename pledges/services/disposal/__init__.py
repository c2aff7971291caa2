"""Default and what follows: channels, cases, lots, offers, sales, surplus and deficit."""
