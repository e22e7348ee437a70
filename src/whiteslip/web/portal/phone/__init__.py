"""The demonstration phone."""
