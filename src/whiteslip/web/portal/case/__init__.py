"""A case of leaving: what happened, what comes next."""
