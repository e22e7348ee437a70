"""Complain."""
