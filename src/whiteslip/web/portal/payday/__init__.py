"""Another day for later bills: what would be due when, and one button."""
