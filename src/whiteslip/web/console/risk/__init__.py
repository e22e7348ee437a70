"""Scores of the whole book: how they are spread, whether they hold, and why one is what it is."""
