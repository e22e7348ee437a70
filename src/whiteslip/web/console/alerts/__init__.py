"""Alerts: the queue, and one with its features and the row that fired."""
