"""Changes of terms: what waits for a second person, what was told, and what came of it."""
