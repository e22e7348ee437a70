"""Disputes at the desk."""
