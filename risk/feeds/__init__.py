"""Price feeds: one interface to files and to servers. No database in here, and no secrets kept."""
