"""Signing in with a phone number and a code."""
