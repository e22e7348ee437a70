"""A basis and a plan in words and figures, as pages tell them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from whiteslip import treasury
from whiteslip.base import Money, Rate
from whiteslip.treasury import Appetite, Basis, words
from whiteslip.treasury.model import Allocation, Answer, Price
from whiteslip.web.console.capacity import charts
from whiteslip.web.console.groups import called
from whiteslip.web.kit.i18n import Speech, Texts

PPM: Final = 1_000_000
_FREED: Final = ("limit", "undrawn", "exposure", "weighted")


class Told:
    """A basis and a plan as pages and files tell them. Groups only: no line is named anywhere."""

    def __init__(self, basis: Basis, speech: Speech, t: Texts) -> None:
        self.basis, self.speech, self.t = basis, speech, t
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
            "chart": {
                "option": charts.freed(basis, self.called, t),
                "columns": columns,
                "rows": rows,
                "formula": t("formula_freed"),
                "source": t("source_freed"),
                "left_out": 0,
            },
            "could_be_asked": asked,
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
            "offer_chart": {
                "option": charts.offers(answer, self.called, t),
                "columns": heads,
                "rows": offers,
                "formula": t("formula_offers"),
                "source": t("source_offers"),
                "left_out": 0,
            },
            "limit_chart": {
                "option": charts.limits(answer.prices, self._limit, t),
                "columns": [
                    (t("limit_of"), "text"), (t("used"), "money"), (t("bound"), "money"),
                    (t("a_little"), "money"), (t("would_bring"), "money"),
                ],
                "rows": [self._price(each, sum(c for _, c in answer.best.offers), given) for each in binding],
                "formula": t("formula_limits"),
                "source": t("source_limits"),
                "left_out": 0,
            },
            "explained": words.explain(
                answer.prices, basis.currency, self.speech.lang, self.speech.money, self.called
            ),
        }  # fmt: skip

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
