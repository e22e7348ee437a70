"""Everything the pages say, they say in both languages."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from pathlib import Path

import pytest

import whiteslip
from whiteslip.base import Refusal
from whiteslip.web.kit.i18n import LANGUAGES, Speech, texts_around
from whiteslip.web.kit.problems import problem
from whiteslip.web.kit.sentences import known, sentence

HOUSE = Path(whiteslip.__file__).parent
WEB = HOUSE / "web"
TABLES = sorted(WEB.rglob("page.toml"))
TEMPLATES = sorted(WEB.rglob("*.html"))
SAID = re.compile(r"""\bt\(\s*["'](\w+)["']""")


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def _folder(path: Path) -> str:
    return path.parent.relative_to(WEB).as_posix()


def refusal_codes() -> dict[str, str]:
    """Every code in the source, and one place where it is given."""
    found: dict[str, str] = {}
    for path in sorted(HOUSE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Refusal"
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                found[str(node.args[0].value)] = f"{path.relative_to(HOUSE)}:{node.lineno}"
    return found


def test_every_refusal_code_has_a_sentence():
    missing = {code: place for code, place in refusal_codes().items() if code not in known()}
    wanted = "\n".join(
        f'["{code}"]  # {place}\nstatus = 409\nzh-CN = "…"\nen = "…"\n' for code, place in missing.items()
    )
    assert missing == {}, f"add to src/whiteslip/web/kit/sentences.toml, in order:\n\n{wanted}"


def test_the_sentences_are_in_order_and_complete():
    raw = tomllib.loads((WEB / "kit" / "sentences.toml").read_text())
    assert list(raw) == sorted(raw)
    for code, entry in raw.items():
        assert set(entry) == {"status", *LANGUAGES}, code
        assert f"status_{entry['status']}" in texts_around("kit")["en"], f"{code}: no title for its status"
        assert _placeholders(entry["zh-CN"]) == _placeholders(entry["en"]), code


@pytest.mark.parametrize("code", sorted(known()))
def test_a_sentence_can_be_said_even_when_its_facts_are_missing(code: str):
    for lang in LANGUAGES:
        assert sentence(Refusal(code), Speech(lang, "Asia/Shanghai"))
        assert problem(Refusal(code), lang).title


@pytest.mark.parametrize("path", TABLES, ids=_folder)
def test_a_page_has_the_same_texts_with_the_same_placeholders_in_both_languages(path: Path):
    table = tomllib.loads(path.read_text())
    assert set(table) == set(LANGUAGES)
    assert set(table["zh-CN"]) == set(table["en"]), set(table["zh-CN"]) ^ set(table["en"])
    for key, text in table["zh-CN"].items():
        assert _placeholders(text) == _placeholders(table["en"][key]), key


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(WEB).as_posix())
def test_a_template_says_only_what_is_written_down(path: Path):
    if path.parent == WEB / "kit":
        known = set(texts_around("kit")["en"])
    else:
        known = set(texts_around(_folder(path))["en"])
    missing = {key for key in SAID.findall(path.read_text()) if not key.endswith("_")} - known
    assert missing == set(), f"add to {_folder(path)}/page.toml, in both languages"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(WEB).as_posix())
def test_a_template_holds_no_style_no_script_and_no_required_field(path: Path):
    text = re.sub(r"{#.*?#}", "", path.read_text(), flags=re.S)
    assert not re.search(
        r"\sstyle=|<style|\son[a-z]+=|<script(?![^>]*\ssrc=)|\srequired[\s>=]|\|\s*safe\b", text
    )


def test_the_style_guide_offers_in_the_words_of_the_page_of_leaving():
    product, guide = texts_around("portal/leave"), texts_around("kit/guide")
    for lang in LANGUAGES:
        for key in ("close", "reduce", "pause"):
            for said in (key, f"{key}_note"):
                assert guide[lang][said] == product[lang][said], (lang, said)


@pytest.mark.parametrize("path", sorted(HOUSE.rglob("*.toml")), ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_percentage_is_said_in_one_way(path: Path):
    said = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    apart = [line for line in said if re.search(r"[\d}] %(?!\w)", line) and not line.startswith("source")]
    assert apart == [], "without a space, as amounts in pages and letters are"
