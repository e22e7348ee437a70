"""The whole book: what it looks like, and what leaving does to it."""
