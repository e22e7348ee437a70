"""Hand in a paper."""
