"""Futures of the book: what if, who acts by when."""
