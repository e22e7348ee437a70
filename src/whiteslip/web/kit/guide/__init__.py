"""The style guide: every component on one page, and every problem type."""
