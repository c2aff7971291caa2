"""What each page says: the answer at its top, its charts and its tables."""
