"""Models in service: a champion scores for real, challengers in silence beside it.

A shipped model starts as a challenger. To become the champion it is proposed by one person and
approved by another; the champion before it is retired, and comes back the same way. Every score is kept with
its facts, version and reasons and can be made again. None of the acts commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import UNSET

from whiteslip.base import Refusal, new_id
from whiteslip.decisions.model import Difference, FactError
from whiteslip.decisions.scoring import (
    Model,
    Scored,
    checked,
    columns,
    decoded,
    encoded,
    score,
    score_columns,
)
from whiteslip.decisions.signing import verified
from whiteslip.store import Entry, Tx, load_queries
from whiteslip.store.database import Row

_queries = load_queries(__file__)
_SPACE: Final = UUID("0d7f3f2c-5b53-5f0e-9a1a-6f1f5a2f7d11")


class Standing(StrEnum):
    """Where a version stands."""

    CHALLENGER = "challenger"
    PROPOSED = "proposed"
    CHAMPION = "champion"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Serving:
    """A version of a model and where it stands, by whom and since when."""

    model: Model
    version: str
    standing: Standing
    actor: str
    since: datetime

    @property
    def scores(self) -> bool:
        """Whether it scores at all, for real or in silence."""
        return self.standing is not Standing.RETIRED


@dataclass(frozen=True, slots=True)
class Given:
    """A score as it was kept."""

    id: UUID
    name: str
    version: str
    subject: UUID
    scored: Scored
    at: datetime


def subject_of(name: str) -> UUID:
    """The id under which the journal knows a model."""
    return uuid5(_SPACE, name)


# A version never changes, so its bytes are read once per process.
_models: dict[tuple[str, str], Model] = {}


def _serving(row: Row) -> Serving:
    key = row["name"], row["version"]
    if key not in _models:
        _models[key] = decoded(bytes(row["artefact"]))
    return Serving(_models[key], row["version"], Standing(row["step"]), row["actor"], row["at"])


def serving(tx: Tx, name: str | None = None) -> list[Serving]:
    """Every version that was ever shipped, the last moved first; of one model, or of all."""
    return [_serving(row) for row in _queries.model_standing(tx.conn, name=name)]


def champion(tx: Tx, name: str) -> Serving | None:
    """The version that scores for real."""
    return next((each for each in serving(tx, name) if each.standing is Standing.CHAMPION), None)


def enter(tx: Tx, artefact: bytes, key: Ed25519PublicKey, actor: str, now: datetime) -> Serving:
    """Take a signed model into service as a challenger. Twice changes nothing.

    Raises TableError for one that was altered, or signed by another key.
    """
    model = verified(artefact, key)
    _queries.lock_model(tx.conn, name=model.name)
    known = _find(tx, model.name, model.version)
    if known:
        return known
    content = encoded(model)
    _queries.keep_model(
        tx.conn,
        name=model.name,
        version=model.version,
        artefact=content,
        horizon_months=None if model.horizon_months is UNSET else model.horizon_months,
        actor=actor,
        now=now,
    )
    return _step(tx, model, Standing.CHALLENGER, actor, now)


def _find(tx: Tx, name: str, version: str) -> Serving | None:
    return next((each for each in serving(tx, name) if each.version == version), None)


def _step(tx: Tx, model: Model, to: Standing, actor: str, now: datetime) -> Serving:
    version = model.version
    _queries.add_model_step(tx.conn, name=model.name, version=version, step=to, actor=actor, now=now)
    data = {"model": model.name, "version": version, "standing": to}
    tx.record(Entry(now, "model.moved", "model", subject_of(model.name), actor, data))
    return Serving(model, version, to, actor, now)


def propose(tx: Tx, name: str, version: str, actor: str, now: datetime) -> Serving | Refusal:
    """Propose that a challenger becomes the champion, or again one that was retired: the way back.

    Refusals: ``model.not_found``, ``model.not_a_challenger``.
    """
    _queries.lock_model(tx.conn, name=name)
    known = _find(tx, name, version)
    if known is None:
        return Refusal("model.not_found")
    if known.standing not in (Standing.CHALLENGER, Standing.RETIRED):
        return Refusal("model.not_a_challenger", {"standing": known.standing})
    return _step(tx, known.model, Standing.PROPOSED, actor, now)


def promote(tx: Tx, name: str, version: str, actor: str, now: datetime) -> Serving | Refusal:
    """Approve a promotion that somebody else proposed; the champion before it is retired.

    Refusals: ``model.not_found``, ``model.not_proposed``, ``model.same_person``.
    """
    _queries.lock_model(tx.conn, name=name)
    known = _find(tx, name, version)
    if known is None:
        return Refusal("model.not_found")
    if known.standing is not Standing.PROPOSED:
        return Refusal("model.not_proposed", {"standing": known.standing})
    if known.actor == actor:
        return Refusal("model.same_person")
    before = champion(tx, name)
    if before:
        _step(tx, before.model, Standing.RETIRED, actor, now)
    return _step(tx, known.model, Standing.CHAMPION, actor, now)


def retire(tx: Tx, name: str, version: str, actor: str, now: datetime) -> Serving | Refusal:
    """Take a version out of service. Refusal: ``model.not_found``; twice changes nothing."""
    _queries.lock_model(tx.conn, name=name)
    known = _find(tx, name, version)
    if known is None:
        return Refusal("model.not_found")
    return known if not known.scores else _step(tx, known.model, Standing.RETIRED, actor, now)


Facts = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one version says of one subject: the columns it read, and the score; None where it cannot."""

    read: tuple[float | None, ...]
    scored: Scored | None


def score_batch(tx: Tx, name: str, batch: Sequence[tuple[UUID, Facts]], now: datetime) -> list[Given] | None:
    """Score subjects by the champion and keep it; challengers score the same facts in silence.

    None where no version is champion. Raises FactError, before anything is kept, for facts that the
    champion does not take; a challenger that cannot read them is left out of the comparison.
    """
    found = in_service(tx, name)
    if not found:
        return None
    first, *others = found
    given = _keep(tx, first, [(who, facts, score(first.model, facts)) for who, facts in batch], now)
    for each in others:
        seen = [(who, facts, scored) for who, facts in batch if (scored := see(each.model, facts).scored)]
        _keep(tx, each, seen, now)
    return given


def in_service(tx: Tx, name: str) -> list[Serving]:
    """The champion and then those that score in silence; nobody while there is no champion."""
    found = [each for each in serving(tx, name) if each.scores]
    first = [each for each in found if each.standing is Standing.CHAMPION]
    return first + [each for each in found if each not in first] if first else []


def see(model: Model, facts: Facts, known: Scored | None = None) -> Seen:
    """What a version says of somebody, without keeping it. Facts it does not take give no score.

    ``known`` is what it said of the same facts before: it says so again.
    """
    try:
        read = columns(model, checked(model, facts))
        return Seen(tuple(read), known or score_columns(model, read))
    except FactError:
        return Seen((), None)


def score_changed(
    tx: Tx, found: Sequence[Serving], batch: Sequence[tuple[UUID, Facts]], now: datetime
) -> list[list[Seen]]:
    """Score everybody by every version in service, and keep what is news.

    A score is a function of its facts, so one is kept when the facts a version reads have changed, or
    it has not scored that subject yet; then all versions' are, at one instant, to be compared. Returns
    what each version said of each subject, in the order of ``found`` and ``batch``.
    """
    kept = _last_scores(tx, found, [who for who, _ in batch])
    seen: list[list[Seen]] = []
    news: set[UUID] = set()
    for each in found:
        said: list[Seen] = []
        for who, facts in batch:
            before, known = kept.get((each.version, who), (None, None))
            same = before == _read_by(each.model, facts)
            said.append(see(each.model, facts, known if same else None))
            if said[-1].scored and not same:
                news.add(who)
        seen.append(said)
    for each, said in zip(found, seen, strict=True):
        rows = [(*one, a.scored) for one, a in zip(batch, said, strict=True) if one[0] in news and a.scored]
        _keep(tx, each, rows, now)
    return seen


def _last_scores(
    tx: Tx, found: Sequence[Serving], subjects: Sequence[UUID]
) -> dict[tuple[str, UUID], tuple[Facts, Scored]]:
    rows = _queries.last_scores(
        tx.conn,
        name=found[0].model.name,
        versions=[each.version for each in found],
        subjects=list(subjects),
    )
    return {(row["version"], row["subject"]): (row["facts"], _scored(row)) for row in rows}


def _scored(row: Row) -> Scored:
    return Scored(row["probability"], row["points"], (), tuple(row["reasons"]))


def _read_by(model: Model, facts: Facts) -> dict[str, object]:
    return {fact.name: facts.get(fact.name) for fact in model.facts}


def _keep(tx: Tx, by: Serving, rows: Sequence[tuple[UUID, Facts, Scored]], now: datetime) -> list[Given]:
    name, model = by.model.name, by.model
    given = [Given(new_id(now), name, by.version, who, scored, now) for who, _, scored in rows]
    facts = [_read_by(model, facts) for _, facts, _ in rows]
    if given:
        _queries.keep_scores(
            tx.conn,
            name=name,
            version=by.version,
            role="champion" if by.standing is Standing.CHAMPION else "challenger",
            now=now,
            id=[each.id for each in given],
            subject=[each.subject for each in given],
            facts=[msgspec.json.encode(each).decode() for each in facts],
            # As text: the shortest form that reads back to the same double.
            probability=[repr(each.scored.probability) for each in given],
            points=[each.scored.points for each in given],
            reasons=["{" + ",".join(each.scored.reasons) + "}" for each in given],
        )
    return given


def last_score(tx: Tx, name: str, subject: UUID) -> Given | None:
    """The champion's newest score of a subject."""
    row = _queries.last_score(tx.conn, name=name, subject=subject)
    if row is None:
        return None
    return Given(row["id"], row["name"], row["version"], row["subject"], _scored(row), row["at"])


def side_by_side(tx: Tx, name: str, version: str) -> list[tuple[UUID, datetime, float, float]]:
    """What the champion and a challenger said of the same people at the same instants."""
    rows = _queries.scored_side_by_side(tx.conn, name=name, version=version)
    return [(row["subject"], row["at"], row["champion"], row["challenger"]) for row in rows]


def replay_scores(tx: Tx, since: datetime | None = None) -> tuple[int, list[Difference]]:
    """Score again what was kept, each by its own version; how many, and what differs in any bit."""
    known = {(each.model.name, each.version): each.model for each in serving(tx)}
    count, found = 0, list[Difference]()
    for row in _queries.scores_since(tx.conn, since=since):
        count += 1
        again = score(known[row["name"], row["version"]], row["facts"])
        kept = _outcome(row["probability"], row["points"], row["reasons"])
        now = _outcome(again.probability, again.points, list(again.reasons))
        if kept != now:
            found.append(Difference(row["id"], row["name"], row["version"], kept, now, "another score"))
    return count, found


def _outcome(probability: float, points: int | None, reasons: list[str]) -> dict[str, Any]:
    return {"probability": probability, "points": points, "reasons": reasons}


def forget_scores(tx: Tx, subjects: Sequence[UUID]) -> int:
    """Erase every score of subjects whose records need not be kept any longer. Returns how many went."""
    return _queries.erase_scores(tx.conn, subjects=list(subjects))
