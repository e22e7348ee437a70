"""The account that what is owed to a customer goes to."""
