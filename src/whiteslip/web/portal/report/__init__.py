"""What credit bureaus are told of a line, and objecting to it."""
