"""Applying: who you are and what you earn and owe, the code, the offer with its terms, done."""
