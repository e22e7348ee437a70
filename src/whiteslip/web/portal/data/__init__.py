"""Your data: what is held, why and until when."""
