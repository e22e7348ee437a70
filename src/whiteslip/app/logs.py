"""What goes wrong while serving or working is a message, not data. Other commands do without the library."""

from __future__ import annotations

import sys

import structlog


def log_to_stderr() -> None:
    """Whatever is logged in this process goes to stderr."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
