"""Asking for a higher limit."""
