"""Commands: price import, rates, the model on files."""
