"""Another phone or e-mail for a customer on the phone: one proposes, another decides."""
