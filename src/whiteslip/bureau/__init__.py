"""Bureau: what credit bureaus are told, so that having left never hurts.

What it owns: schema ``bureau``: files that were made and what they said of each line, events of
credit agreements, objections and their clocks, and agreements that the law deems never made. It
tells a Metro 2 file of the lines of pack ``us``, and of the agreements of pack ``cn`` events: ends,
corrections of what was told of them, objections and their answers.

Everything is derived from what lower rooms show in views, as of the end of a month: ``rules`` from
facts to an account, ``metro2`` from an account to 426 characters, ``cn`` the agreement's event.

Invariants
----------
- Whoever leaves is told of as closed at the consumer's request from the day drawing stopped, with
  a code on every file until nothing is owed; never as closed by the lender.
- What the lender ended is told so, from the day its notice was over: M, or CI where it was not used.
- Paid and closed (13) is said at zero only. A lapsed or cancelled case closes nothing.
- A sum that is disputed as a billing error is not late, and each file marks an open objection.
- An objection that nobody answers in time ends in the customer's favour.
- A month's file can be made again; what it says rests on earlier months' files only.
- Personal data goes into the file and nowhere else: no table, journal row or hash holds it.

Bureaus' own guides go before what is written here; see docs/how-to/report-to-a-bureau.md.
"""

from whiteslip.bureau.acts import (
    deem_never_made,
    events_due,
    object_to,
    report_month,
    resolve,
    unanswered,
)
from whiteslip.bureau.model import Ground, Objection, Outcome, Report, Reporter, Subject

__all__ = [
    "Ground",
    "Objection",
    "Outcome",
    "Report",
    "Reporter",
    "Subject",
    "deem_never_made",
    "events_due",
    "object_to",
    "report_month",
    "resolve",
    "unanswered",
]
