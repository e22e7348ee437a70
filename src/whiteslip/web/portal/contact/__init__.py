"""Where a customer is reached, and another place."""
