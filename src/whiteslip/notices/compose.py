"""Facts into words, and words into an e-mail or a PDF. Pure, apart from reading its own files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import typst
from babel.dates import format_date, format_datetime

from whiteslip.base import end_of_day
from whiteslip.notices.facts import (
    KINDS,
    AcknowledgedFacts,
    AdverseFacts,
    BalanceFacts,
    ComplaintAnswerFacts,
    ComplaintDueFacts,
    ContactFacts,
    ContractFacts,
    DataRequestFacts,
    DisputeFacts,
    FeaturePausedFacts,
    FrozenFacts,
    HeldFacts,
    KeptFacts,
    PaperFacts,
    PrivacyFacts,
    RunOffFacts,
    TermsChangedFacts,
)
from whiteslip.notices.model import Letter
from whiteslip.notices.owed import (
    ArrearsFacts,
    ClosedFacts,
    ExitFacts,
    HardshipFacts,
    LetterFacts,
    ObjectionFacts,
    OwedAnewFacts,
    PartPaymentFacts,
    PaydayFacts,
    SoldFacts,
    StatementFacts,
)
from whiteslip.notices.statements import part_payment_rows, statement_rows, statement_words
from whiteslip.notices.terms import product, terms_table
from whiteslip.notices.words import LOCALES, fill, money, texts

_HERE: Final = Path(__file__).parent
_INSTANTS: Final = {"zh-CN": "y年M月d日 HH:mm:ss", "en": "d MMMM y, HH:mm:ss"}
# A deadline at the end of a day is told by its day. It reads well behind "by" and before 前.
_DAY_ENDS: Final = {"zh-CN": "{day}24时", "en": "the end of {day}"}
# Lines of a panel that say nothing where there is nothing.
_SILENT_AT_ZERO: Final = frozenset({"credit_minor", "payoff_minor", "in_credit_minor", "given_back_minor"})


def facts_of(kind: str, raw: Mapping[str, Any]) -> LetterFacts:
    """The facts of a kind. Raises msgspec.ValidationError for missing, unknown or wrong ones."""
    return msgspec.convert(raw, KINDS[kind], strict=False)


def stored(facts: LetterFacts) -> str:
    """Facts as they are kept: JSON."""
    return msgspec.json.encode(facts).decode()


def _instant(local: datetime, timezone: str, language: str) -> str:
    """A moment to the second; a deadline at the end of a day by its day alone."""
    if local == end_of_day(local.date(), timezone):
        day = format_date(local.date(), "long", locale=LOCALES[language])
        return _DAY_ENDS[language].format(day=day)
    return format_datetime(local, _INSTANTS[language], locale=LOCALES[language])


def _in_words(facts: LetterFacts, language: str) -> dict[str, str]:
    words: dict[str, str] = {}
    for name in facts.__struct_fields__:
        value = getattr(facts, name)
        if isinstance(value, datetime):
            local = value.astimezone(ZoneInfo(facts.timezone))
            words[name] = _instant(local, facts.timezone, language)
        elif isinstance(value, date):
            words[name] = format_date(value, "long", locale=LOCALES[language])
        elif name.endswith("_minor"):
            words[name] = money(value, facts.currency, language)
        elif isinstance(value, str | int):
            words[name] = str(value)
    return words


def kept_by(pack: str, language: str) -> str:
    """Why the records of a line are kept for their years: by which law, or by the lender's own rule."""
    said = texts(language)["kept_by"]
    return said.get(pack) or said["base"]


def advice(pack: str, language: str) -> str:
    """Who advises people in debt for nothing or little, where a pack holds."""
    said = texts(language)["advice"]
    return said.get(pack) or said["base"]


def information(facts: ContractFacts, language: str) -> dict[str, str]:
    """The parts of a contract that a law has told before anybody agrees, in words, by part."""
    said, words = texts(language)["information"], _in_words(facts, language)
    return {part: fill(said[part], words) for part in facts.information}


def _adverse_words(facts: AdverseFacts, said: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, str]:
    """The reasons; whose report was used; and what Regulation B, 12 CFR 1002.9(b)(1), has the letter say."""
    agency = facts.agency or said["labels"]["agency"]
    return {
        "reason_words": said["labels"]["list"].join(said["reasons"][code] for code in facts.reasons),
        "report_words": fill(said["free_report"], {**words, "agency_words": agency})
        if facts.free_report_days
        else "",
        "equal_words": said["equal_credit"].get(facts.pack, ""),
    }


def compose(kind: str, language: str, facts: LetterFacts, full_name: str, dated: datetime) -> Letter:
    """The letter in words. ``dated`` is when it was queued."""
    said, own = texts(language), texts(language)["kinds"][kind]
    words = _in_words(facts, language) | _code_words(facts, own, said)
    if isinstance(facts, ComplaintDueFacts) and facts.delay:
        words["delay_words"] = own[f"delay_{facts.delay}"]
    if isinstance(facts, ComplaintAnswerFacts):
        words["route_words"] = said["routes"].get(facts.route) or said["routes"]["base"]
        if facts.outcome:
            words["answer_words"] = own[f"outcome_{facts.outcome}"] + own["join"] + own[f"why_{facts.why}"]
    if isinstance(facts, ExitFacts):
        words |= _leaving_words(facts, {"notice_words": said["notice_stands"], **own}, words)
    if isinstance(facts, PaperFacts):
        words |= {"wanted_words": own[f"wanted_{facts.wanted}"], "why_words": own[f"why_{facts.why}"]}
        words["late_words"] = own[f"late_{facts.wanted}"]
    if isinstance(facts, ClosedFacts):
        words["credit_words"] = fill(own["credit_words"], words) if facts.credit_minor else ""
        words |= _hanging_words(facts, said, words, language)
    if isinstance(facts, AdverseFacts):
        words |= _adverse_words(facts, said, words)
    if isinstance(facts, ClosedFacts | PrivacyFacts):
        words["kept_by"] = kept_by(facts.pack, language)
    if isinstance(facts, DisputeFacts):
        words["late_words"] = fill(own["late_words"], words) if facts.late_days else ""
    if isinstance(facts, HardshipFacts):
        words["forgiven_words"] = fill(own["forgiven_words"], words) if facts.forgiven_minor else ""
    if isinstance(facts, ArrearsFacts):
        words |= _arrears_words(facts, own, words, language)
    if isinstance(facts, SoldFacts):
        words["rights_words"] = said["sale_rights"].get(facts.pack) or said["sale_rights"]["base"]
        words["later_words"] = own["later_words"] if facts.goes_on else ""
    if isinstance(facts, StatementFacts):
        words |= statement_words(facts, own, words, language)
    if isinstance(facts, ContractFacts):
        told = information(facts, language)
        words |= {f"{part}_words": told.get(part, "") for part in said["information"]}
    if isinstance(facts, PrivacyFacts):
        words["kept_words"] = fill(own["kept_until" if facts.kept_until else "kept_while"], words)
    paragraphs = [fill(text, words) for text in own["paragraphs"]]
    return Letter(
        language=language,
        issuer=facts.issuer_name,
        greeting=fill(said["greeting"], {"name": full_name}),
        title=words.get("title") or own["title"],
        panel=[
            (said["labels"][name], words[name])
            for name in own["panel"]
            if name in words and not (name in _SILENT_AT_ZERO and not getattr(facts, name))
        ],
        paragraphs=[text for text in paragraphs if text],
        table=_table(facts, language),
        certificate_title=own.get("certificate_title", ""),
        certificate=[text for each in own.get("certificate", []) if (text := fill(each, words))],
        closing=said["closing"],
        dated=format_date(
            dated.astimezone(ZoneInfo(facts.timezone)).date(), "long", locale=LOCALES[language]
        ),
    )


def _code_words(facts: LetterFacts, own: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, str]:
    """What codes are called that a letter of one kind has."""
    match facts:
        case FrozenFacts():
            return {"ground_words": own[f"ground_{facts.ground}"]}
        case ContactFacts():
            return {"part_words": own[f"part_{facts.part}"]}
        case KeptFacts():
            return {"why_words": own[f"why_{facts.why}"]}
        case FeaturePausedFacts():
            return {"feature_words": own[f"feature_{facts.feature}"]}
        case OwedAnewFacts():
            return {"why_words": own[f"why_{facts.why}"]}
        case ObjectionFacts():
            return {
                "part_words": said["report_parts"][facts.part],
                "answer_words": own[f"outcome_{facts.outcome}_{facts.why}"] if facts.outcome else "",
                "route_words": said["routes"].get(facts.pack) or said["routes"]["base"],
            }
        case DataRequestFacts():
            return {
                "wish_words": said["data_wishes"][facts.wish],
                "authority_words": said["data_authorities"].get(facts.pack)
                or said["data_authorities"]["base"],
                "delay_words": own[f"delay_{facts.delay}"] if facts.delay else "",
                "answer_words": own[f"outcome_{facts.outcome}"] + own["join"] + own[f"why_{facts.why}"]
                if facts.outcome
                else "",
            }
        case _:
            return {}


def _leaving_words(facts: ExitFacts, own: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, str]:
    """What a letter of a case says of what was drawn: theirs, disputed, or somebody else's; and of a notice
    that goes on.
    """
    whose = "not_me" if getattr(facts, "not_me", False) else "theirs"
    said: dict[str, bool | str] = {"notice_words": facts.notice_ends_on is not None}
    match facts:
        case AcknowledgedFacts():
            said |= {"bought_words": f"bought_{whose}", "confirm_words": facts.confirm_by is not None}
        case HeldFacts():
            # An estate's letter is about who settles it, whatever its customer had said.
            own_words = "ground_not_me" in own and facts.not_me
            doubted = own_words and facts.ground == "identity"
            said |= {
                "ground_words": "ground_not_me" if doubted else f"ground_{facts.ground}",
                "disputed_words": own_words and bool(facts.disputed_minor),
            }
        case RunOffFacts():
            said |= {
                "left_words": bool(facts.schedule),
                "disputed_words": f"disputed_{whose}" if facts.disputed_minor else False,
                "sooner_words": bool(facts.payoff_minor),
                "end_words": f"end_{whose}",
            }
            if facts.not_me and not facts.schedule:
                said["title"] = "title_not_me"
        case _:
            pass
    return {
        name: fill(own[name if key is True else str(key)], words) if key else "" for name, key in said.items()
    }


def _hanging_words(
    facts: ClosedFacts, said: Mapping[str, Any], words: Mapping[str, str], language: str
) -> dict[str, str]:
    """What a closing letter says of rewards, mandates and shops, where there is something to say."""
    between = said["labels"]["list"]
    lists = {
        "references": between.join(facts.mandates),
        "names": between.join(facts.shops),
        "vouchers": between.join(
            f"{each.title} ({format_date(each.usable_until, 'long', locale=LOCALES[language])})"
            for each in facts.vouchers
        ),
    }
    needed = {
        "reward_words": bool(facts.reward_minor),
        "voucher_words": bool(facts.vouchers),
        "mandate_words": bool(facts.mandates),
        "shop_words": bool(facts.shops),
        "sold_words": bool(facts.sold_to),
        "sold_certificate": bool(facts.sold_to),
    }
    return {
        name: fill(said["hanging"][name], {**words, **lists}) if there else ""
        for name, there in needed.items()
    }


def _arrears_words(
    facts: ArrearsFacts, own: Mapping[str, Any], words: Mapping[str, str], language: str
) -> dict[str, str]:
    """What being late costs, who advises, and whether it is written again."""
    return {
        "cost_words": fill(own["fee_words" if facts.late_fee_minor else "no_fee_words"], words),
        "advice_words": advice(facts.pack, language),
        "again_words": fill(own["again_words"], words) if facts.again_months else "",
        "law_words": own["law_words"].get(facts.pack, ""),
    }


def _table(facts: LetterFacts, language: str) -> list[list[str]]:
    labels = texts(language)["labels"]
    if isinstance(facts, StatementFacts):
        return [labels["statement_table"], *statement_rows(facts, language)]
    if isinstance(facts, PartPaymentFacts):
        return [labels["statement_table"], *part_payment_rows(facts, language)]
    if isinstance(facts, ContractFacts):
        return [labels["products"], *(product(one, language) for one in facts.products)]
    if isinstance(facts, TermsChangedFacts):
        return terms_table(facts.before, facts.after, facts.currency, language)
    if (
        not isinstance(
            facts, ArrearsFacts | RunOffFacts | BalanceFacts | HardshipFacts | PaydayFacts | SoldFacts
        )
        or not facts.schedule
    ):
        return []
    rows = [
        [
            format_date(due.due_on, "long", locale=LOCALES[language]),
            money(due.amount_minor, facts.currency, language),
        ]
        for due in facts.schedule
    ]
    return [labels["table"], *rows]


def body(letter: Letter) -> str:
    """The letter as plain text, without its greeting."""
    longest = max((len(label) for label, _ in letter.panel), default=0)
    blocks = ["\n".join(f"{label.ljust(longest)}  {value}" for label, value in letter.panel)]
    blocks += letter.paragraphs[:1]
    if letter.table:
        blocks.append("\n".join("  ".join(row) for row in letter.table))
    blocks += letter.paragraphs[1:]
    blocks += [letter.closing, letter.issuer]
    return "\n\n".join(blocks) + "\n"


def code_text(language: str, code: str, minutes: int, issuer_name: str) -> str:
    """The message that brings a one-time code."""
    words = {"code": code, "minutes": str(minutes), "issuer_name": issuer_name}
    return fill(texts(language)["code"], words)


def code_title(language: str, issuer_name: str) -> str:
    """The title of that message."""
    return fill(texts(language)["code_title"], {"issuer_name": issuer_name})


@cache
def _compiler() -> typst.Compiler:
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[_HERE / "fonts"]
    )
    return typst.Compiler(
        input=_HERE / "templates" / "letter.typ", root=_HERE / "templates", font_paths=fonts
    )


def pdf(letter: Letter, dated: datetime) -> bytes:
    """The letter as PDF: the same letter gives the same bytes.

    The words reach the page as data, never as markup.
    """
    data = json.dumps(msgspec.to_builtins(letter), ensure_ascii=False)
    made = _compiler().compile(format="pdf", sys_inputs={"letter": data}, timestamp=int(dated.timestamp()))
    if not isinstance(made, bytes):
        raise TypeError("a letter is one PDF")
    return made


def sha256(content: bytes) -> str:
    """The hexadecimal hash that proofs keep."""
    return hashlib.sha256(content).hexdigest()
