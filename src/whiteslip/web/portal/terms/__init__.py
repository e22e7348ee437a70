"""New terms: what the lender proposes beside what is agreed, and the way to say no."""
