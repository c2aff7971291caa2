"""Pure calculations of the logistics room: names of lots, quantities in words, bills."""
