"""Pages: parse, ask one query, render."""
