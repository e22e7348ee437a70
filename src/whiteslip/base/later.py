"""Libraries that are imported when something of theirs is first used."""

from __future__ import annotations

import importlib
from typing import Any


class Later:
    """Stands for a module that takes seconds to import and that most commands never use."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)
