"""Holding facts and outcomes to their contract. Pure."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, TypedDict, cast

import msgspec

from whiteslip.decisions.model import Contract, FactError, Field, Kind, Outcome, TableError

# Beyond this a whole number is no longer exact once the engine has read it.
EXACT: Final = 1 << 53
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_CODE: Final = re.compile(r"[a-z][a-z0-9_.]*")


def checked_facts(table: str, contract: Contract, facts: Mapping[str, object]) -> dict[str, Any]:
    """The facts in plain types and in the contract's order. Raises FactError for the first bad one."""
    given = dict(facts)
    plain: dict[str, Any] = {}
    for name, field in contract.facts.items():
        path = f"{table}.{name}"
        if name not in given:
            raise FactError(path, "nothing", expected(field))
        plain[name] = _fact(path, field, given.pop(name))
    if given:
        # The name is the caller's text: it is counted, not repeated.
        raise FactError(table, f"{len(given)} more", f"only {', '.join(contract.facts)}")
    return plain


def facts_at_once(contract: Contract, batch: Sequence[Mapping[str, object]]) -> list[dict[str, Any]] | None:
    """What :func:`checked_facts` gives for each, checked by compiled code; None to look one by one.

    None says only that something may be wrong, or that there is a number: a float wants more than a check.
    """
    shape = _shape(tuple(contract.facts.items()))
    if shape is None or any(len(facts) != len(contract.facts) for facts in batch):
        return None
    try:
        return msgspec.convert(batch, shape)
    except msgspec.ValidationError:
        return None


@functools.lru_cache(maxsize=64)
def _shape(fields: tuple[tuple[str, Field], ...]) -> Any:
    """The type of a list of facts, for msgspec, or None where it cannot say it."""
    kinds: dict[str, Any] = {}
    for name, field in fields:
        match field.type:
            case Kind.BOOLEAN:
                kinds[name] = bool
            case Kind.INTEGER:
                low = -EXACT if field.min is None else field.min
                high = EXACT if field.max is None else field.max
                kinds[name] = Annotated[int, msgspec.Meta(ge=low, le=high)]
            case Kind.TEXT:
                kinds[name] = Literal[field.one_of]
            case _:
                return None
    return list[cast("Any", TypedDict)("Facts", kinds)]


def _fact(path: str, field: Field, value: object) -> Any:
    match field.type:
        case Kind.BOOLEAN if type(value) is bool:
            return value
        case Kind.INTEGER if type(value) is int and _in_range(field, value):
            return value
        case Kind.NUMBER if type(value) in (int, float) and _in_range(field, cast("float", value)):
            return float(cast("float", value)) + 0.0  # PostgreSQL has no minus zero
        case Kind.TEXT if isinstance(value, str) and str(value) in field.one_of:
            return str(value)
        case _:
            raise FactError(path, described(value), expected(field))


def _in_range(field: Field, value: float) -> bool:
    low = -EXACT if field.min is None else field.min
    high = EXACT if field.max is None else field.max
    return low <= value <= high  # false for not-a-number


def described(value: object) -> str:
    """What a value is, in words. Never the text of a text."""
    match value:
        case None:
            return "null"
        case bool():
            return f"boolean {str(value).lower()}"
        case int():
            return f"integer {value}" if abs(value) <= EXACT else "an integer beyond 2^53"
        case float():
            return f"number {value}" if math.isfinite(value) else "a number that is not finite"
        case str():
            return "text"
        case _:
            return type(value).__name__


_EXPECTED: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "number": "{type}{unit} from {low} to {high}",
        "unit": " of {unit}",
        "boolean": "boolean",
        "text": "text, one of {codes}",
        "codes": "a list of codes of {codes}",
    },
    "zh-CN": {
        "number": "{low} 至 {high} 的数{unit}",
        "unit": "（{unit}）",
        "boolean": "true 或 false",
        "text": "以下文字之一：{codes}",
        "codes": "由以下代码组成的列表：{codes}",
    },
}


def expected(field: Field, language: str = "en") -> str:
    """What a field takes, in words (``en`` or ``zh-CN``)."""
    said = _EXPECTED[language]
    match field.type:
        case Kind.INTEGER | Kind.NUMBER:
            low = "-2^53" if field.min is None else field.min
            high = "2^53" if field.max is None else field.max
            unit = said["unit"].format(unit=field.unit) if field.unit else ""
            return said["number"].format(type=field.type, unit=unit, low=low, high=high)
        case _:
            return said[field.type].format(codes=", ".join(field.one_of))


def checked_outcome(table: str, contract: Contract, result: Mapping[str, Any]) -> Outcome:
    """The outcome's keys in plain types; a missing nullable one is null.

    What the contract does not name is left out: a table may pass facts through. Raises TableError
    for an answer that the contract does not allow.
    """
    outcome: Outcome = {}
    for name, field in contract.outcome.items():
        value = result.get(name)
        if not accepts(field, value):
            raise TableError(f"{table} answered {name}: {described(value)}, not {expected(field)}")
        outcome[name] = int(value) if field.type is Kind.INTEGER and value is not None else value
    return outcome


def accepts(field: Field, value: object) -> bool:
    """Whether ``value``, as the engine gives it, fits a field of the outcome."""
    if value is None:
        return field.nullable
    match field.type:
        case Kind.BOOLEAN:
            return type(value) is bool
        case Kind.INTEGER:
            whole = type(value) is int or (type(value) is float and value.is_integer())
            return whole and _in_range(field, cast("float", value))
        case Kind.NUMBER:
            return type(value) in (int, float) and _in_range(field, cast("float", value))
        case Kind.TEXT:
            return value in field.one_of
        case Kind.CODES:
            return isinstance(value, list) and all(code in field.one_of for code in cast("list[Any]", value))


def contract_faults(contract: Contract) -> list[str]:
    """What is wrong with a contract, in words."""
    faults = [f"{name} cannot be nullable" for name, fact in contract.facts.items() if fact.nullable]
    faults += [f"{name} cannot be a list" for name, fact in contract.facts.items() if fact.type is Kind.CODES]
    reasons = contract.outcome.get("reasons")
    if reasons is None or reasons.type is not Kind.CODES or reasons.nullable:
        faults.append("the outcome needs reasons, a list of codes")
    for name, field in [*contract.facts.items(), *contract.outcome.items()]:
        if not _NAME.fullmatch(name):
            faults.append(f"{name!r} is no name: small letters, digits and _")
        if not field.meaning:
            faults.append(f"{name} has no meaning")
        listed = field.type in (Kind.TEXT, Kind.CODES)
        if listed != bool(field.one_of):
            faults.append(f"{name}: one_of goes with text and codes, and they with it")
        faults += [f"{name}: {code!r} is no code" for code in field.one_of if not _CODE.fullmatch(code)]
        numeric = field.type in (Kind.INTEGER, Kind.NUMBER)
        if numeric and not field.unit:
            faults.append(f"{name} has no unit")
        if not numeric and (field.min, field.max) != (None, None):
            faults.append(f"{name}: only numbers have bounds")
    return faults
