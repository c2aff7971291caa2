"""Pure calculations behind pictures: where boxes stand, at which price a band flips."""
