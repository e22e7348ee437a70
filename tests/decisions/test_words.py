"""What tables say of themselves is said in Chinese too."""

from __future__ import annotations

from whiteslip.decisions import Tables
from whiteslip.decisions.words import CHINESE, in_language, texts_of

TABLES = Tables.load()


def test_every_text_of_the_shipped_tables_has_its_chinese_and_none_is_left_over():
    texts = {text for name in TABLES.names for text in texts_of(TABLES[name])}
    assert (sorted(texts - set(CHINESE)), sorted(set(CHINESE) - texts)) == ([], [])


def test_a_text_of_ones_own_is_told_as_it_was_written():
    assert in_language("en", "Too much at once.") == "Too much at once."
    assert in_language("zh-CN", "Too much at once.") is None
