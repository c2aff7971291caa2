"""Double-entry books: accounts, entries, postings, balances."""
