"""What ends an import."""

from __future__ import annotations


class IntakeError(ValueError):
    """The whole file, or its mapping, cannot be used. Says where, what was found and how to mend it.

    ``code`` is stable (``file.header_missing``). Nothing of the batch at hand was written.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
