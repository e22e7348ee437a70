"""The first page, one-time links, signing out."""
