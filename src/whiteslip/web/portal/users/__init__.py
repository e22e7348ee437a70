"""Others who may pay with the line."""
