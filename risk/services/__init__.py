"""What can be done to commodities, prices and rates."""
