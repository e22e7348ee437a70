"""Say that something is wrong with a purchase."""
