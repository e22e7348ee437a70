"""A line at the desk: what it is, and what the lender may do to it."""
