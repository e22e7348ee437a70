"""Customers who object to a restriction: the desk looks again."""
