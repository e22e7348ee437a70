"""Steps that acts take, as the walk of the machine has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

from whiteslip.exits import machine, telling
from whiteslip.exits.machine import Edge
from whiteslip.exits.model import Kind
from whiteslip.exits.telling import At, Heirs, Sent

Taken: TypeAlias = tuple[At | None, At]


def walked(edges: Iterable[Edge]) -> set[Taken]:
    """Every step of the walk; whether an estate took a wish over is not told of."""
    found: set[Taken] = {(None, at) for at in machine.starts()}
    for start, end in {(edge.start, edge.end) for edge in edges}:
        found.add((replace(start, took_over=False), replace(end, took_over=False)))
    return found


def recording(taken: list[Taken]) -> Callable[[At | None, At], tuple[Sent, ...]]:
    """``telling.told`` that notes each step it is asked about."""
    told = telling.told

    def recorded(before: At | None, after: At) -> tuple[Sent, ...]:
        taken.append((before and as_walked(before), as_walked(after)))
        return told(before, after)

    return recorded


def as_walked(at: At) -> At:
    """A case without what no rule of the machine looks at, as the walk has it."""
    like = machine.start(at.case.kind)
    case = replace(
        at.case,
        id=like.id,
        reference=like.reference,
        line=like.line,
        customer=like.customer,
        channel=like.channel,
        since=like.since,
        requested_at=like.requested_at,
        plan=like.plan,
        not_me=False,
        reason=None,
        confirmed_at=at.case.confirmed_at and like.since,
        closed_at=None,
        due_at=None,
        tail_until=None,
    )
    began = case.kind is Kind.ESTATE and at.heirs is Heirs.NONE and case.is_open
    return At(case, Heirs.REPORTED if began else at.heirs)
