"""A basis and a plan in words and figures, as pages tell them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from whiteslip import treasury
from whiteslip.base import Money, Rate
from whiteslip.treasury import Appetite, Basis, words
from whiteslip.treasury.model import Allocation, Answer, Price
from whiteslip.treasury.registry import MEASURES
from whiteslip.web.console.capacity import charts
from whiteslip.web.console.figures import Figure, beside
from whiteslip.web.console.groups import called
from whiteslip.web.console.paper import Sheet
from whiteslip.web.kit.i18n import Speech, Texts

PPM: Final = 1_000_000
_FREED: Final = ("limit", "undrawn", "exposure", "weighted")


class Told:
    """A basis and a plan as pages and files tell them. Groups only: no line is named anywhere."""

    def __init__(self, basis: Basis, speech: Speech, t: Texts, at: str) -> None:
        """``at`` is the address of the CSV of what was freed; all other files are beside it."""
        self.basis, self.speech, self.t, self.at = basis, speech, t, at
        self.called: Callable[[str], str] = partial(called, currency=basis.currency, speech=speech, t=t)

    def _figure(self, minor: int) -> str:
        return self.speech.figure(Money(minor, self.basis.currency))

    def _money(self, minor: int) -> str:
        return self.speech.money(Money(minor, self.basis.currency))

    def freed(self) -> dict[str, Any]:
        """What was freed, drawn and in a table, and who could be asked."""
        t, basis = self.t, self.basis
        columns = [(t("group"), "text"), (t("lines"), "number"), *((t(name), "money") for name in _FREED)]
        rows = [
            [
                self.called(each.segment),
                self.speech.number(each.lines),
                *(self._figure(getattr(each, f"{name}_minor")) for name in _FREED),
            ]
            for each in basis.freed
        ]
        asked = [
            [
                self.called(each.name),
                self.speech.number(each.lines),
                self._figure(each.limit_minor),
                self._figure(each.owed_minor),
                self.speech.share(each.pd_ppm / PPM),
                self.speech.percent(Rate(each.yield_bps)),
            ]
            for each in basis.segments
        ]
        return {
            "money": self._money,
            "least": treasury.LEAST,
            "freed": Figure(
                "freed",
                t("chart_freed"),
                columns,
                rows,
                self.at,
                *MEASURES["freed"].said(self.speech.lang),
                charts.freed(basis, self.called, t),
            ),
            "could_be_asked": Figure(
                "segments",
                t("could_be_asked"),
                [
                    (t("group"), "text"),
                    (t("lines"), "number"),
                    (t("limit"), "money"),
                    (t("owed"), "money"),
                    (t("pd_of"), "number"),
                    (t("yield"), "number"),
                ],
                asked,
                beside(self.at, "segments.csv"),
                *MEASURES["segments"].said(self.speech.lang),
            ),
        }

    def plan(self, answer: Answer, given: Appetite) -> dict[str, Any]:
        """The plan beside its rivals, its limits, and what they are worth in words."""
        t, basis = self.t, self.basis
        lines = {each.name: each.lines for each in basis.segments}
        rivals: list[Allocation] = [getattr(answer, name) for name, _ in charts.RIVALS]
        offers = [
            [
                self.called(name),
                self.speech.number(lines.get(name, 0)),
                *(str(r.offers[n][1]) for r in rivals),
            ]
            for n, (name, _) in enumerate(answer.best.offers)
        ]
        binding = [each for each in answer.prices if each.bound or each.name == "pd"]
        heads = [(t("group"), "text"), (t("lines"), "number"), *((t(n), "number") for n, _ in charts.RIVALS)]
        return {
            "answer": answer,
            "given": given,
            "assumed": self._assumed(given),
            "pays": any(count for _, count in answer.best.offers),
            "worths": [
                (name, Money(each.worth_minor, basis.currency))
                for (name, _), each in zip(charts.RIVALS, rivals, strict=True)
            ],
            "offers": Figure(
                "offers",
                t("chart_offers"),
                heads,
                offers,
                beside(self.at, "offers.csv"),
                *MEASURES["offers"].said(self.speech.lang),
                charts.offers(answer, self.called, t),
            ),
            "limits": Figure(
                "limits",
                t("chart_limits"),
                [
                    (t("limit_of"), "text"), (t("used"), "money"), (t("bound"), "money"),
                    (t("a_little"), "money"), (t("would_bring"), "money"),
                ],
                [self._price(each, sum(c for _, c in answer.best.offers), given) for each in binding],
                beside(self.at, "limits.csv"),
                *MEASURES["limits"].said(self.speech.lang),
                charts.limits(answer.prices, self._limit, t),
            ),
            "explained": words.explain(
                answer.prices, basis.currency, self.speech.lang, self.speech.money, self.called
            ),
        }  # fmt: skip

    def sheet(self, filters: Sequence[tuple[str, str]], shown: Mapping[str, Any]) -> Sheet:
        """What a page shows of a basis and perhaps of a plan, for paper."""
        figures = [shown[name] for name in ("freed", "could_be_asked", "offers", "limits") if name in shown]
        undrawn = sum(each.undrawn_minor for each in self.basis.freed)
        heads = [(self.t("head_freed"), self._money(undrawn))]
        heads += [
            (self.t(f"brings_{name}"), self.speech.money(worth)) for name, worth in shown.get("worths", ())
        ]
        said = [*filters, (self.t("until"), self.speech.day(self.basis.day)), *shown.get("assumed", ())]
        return Sheet(self.t("capacity_title"), said, figures, heads)

    def _limit(self, price: Price) -> str:
        return words.SENTENCES[f"name_{price.name}"][self.speech.lang].format(
            segment=self.called(price.segment)
        )

    def _price(self, price: Price, offers: int, given: Appetite) -> list[str]:
        """A limit: used, bound, a little more of it, and what that would bring a year."""
        match price.name:
            case "demand":
                used, bound, per = str(price.used), str(price.bound), str(price.per)
            case "pd":
                mean = given.pd_at_most_ppm + (price.used / offers if offers else -given.pd_at_most_ppm)
                used, bound = self.speech.share(mean / PPM), self.speech.share(given.pd_at_most_ppm / PPM)
                per = self.speech.share(price.per / PPM)
            case _:
                used, bound, per = map(self._figure, (price.used, price.bound, price.per))
        return [self._limit(price), used, bound, per, self._figure(price.worth_minor)]

    def _assumed(self, given: Appetite) -> list[tuple[str, str]]:
        """The appetite in words, as pages and prints tell it."""
        money, percent = self.speech.money, self.speech.percent
        currency = self.basis.currency
        return [
            (self.t("step"), money(Money(given.step_minor, currency))),
            (self.t("funding"), money(Money(given.funding_minor, currency))),
            (self.t("loss"), money(Money(given.loss_at_most_minor, currency))),
            (self.t("campaign"), money(Money(given.campaign_minor, currency))),
            (self.t("pd"), self.speech.share(given.pd_at_most_ppm / PPM)),
            (self.t("share"), percent(Rate(given.share_at_most_bps))),
            (self.t("take_up"), percent(Rate(given.take_up_bps))),
            (self.t("reuse"), percent(Rate(given.reuse_bps))),
            (self.t("cost"), percent(Rate(given.funding_cost_bps))),
            (self.t("least"), str(given.least_offers)),
        ]
