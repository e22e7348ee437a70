"""Objections to what credit bureaus are told: the desk answers."""
