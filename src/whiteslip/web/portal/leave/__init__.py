"""Leaving: choose, confirm who you are, check, confirm."""
