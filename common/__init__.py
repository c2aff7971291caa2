"""Values and mechanisms without business words: money, rates, day counts, states, errors, idempotency."""
