"""Purchase orders and their staged financing."""
