"""Withdraw from the contract in its first days."""
