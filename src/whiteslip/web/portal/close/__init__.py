"""Leaving without signing in."""
