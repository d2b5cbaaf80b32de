"""Past decisions made again under a proposed rule set, and what would have been different, counted."""
