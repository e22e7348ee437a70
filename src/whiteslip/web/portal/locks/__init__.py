"""The customer's own locks."""
