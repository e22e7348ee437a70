"""The README shows each main page, in pictures that are small and that a script takes again."""

from __future__ import annotations

import re
from pathlib import Path

from browser.pictures import DESK_PICTURES, FOLDER, PHONE_PICTURES

README = Path(__file__).parents[2] / "README.md"
MOST_BYTES = 150_000


def test_each_picture_is_shown_with_words_for_it_and_is_small():
    shown = dict(re.findall(r"!\[([^]]+)]\(docs/images/([^)]+)\.png\)", README.read_text()))
    assert sorted(shown.values()) == sorted([*PHONE_PICTURES, *DESK_PICTURES])
    files = {path.stem: path.stat().st_size for path in FOLDER.glob("*.png")}
    assert files.keys() == set(shown.values()), "each file is shown, and each that is shown is there"
    assert max(files.values()) <= MOST_BYTES
