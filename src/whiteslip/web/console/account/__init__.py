"""The account of a customer, or of an estate: the desk notes that it is theirs."""
