"""Applications for a line: the list, and each with its facts, its score and who decides."""
