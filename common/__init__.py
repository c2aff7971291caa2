"""Money, rates, day counts, states, errors, idempotency: no business words."""
