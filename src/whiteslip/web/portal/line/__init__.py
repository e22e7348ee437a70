"""The line: what it is, what is owed; pause, resume, lower the limit."""
