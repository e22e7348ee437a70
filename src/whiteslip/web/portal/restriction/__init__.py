"""What the lender restricted, why, and how the customer sees it."""
