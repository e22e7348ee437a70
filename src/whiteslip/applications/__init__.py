"""Applications: how somebody gets a line, and why somebody does not.

What it owns: schema ``applications``: applications, the facts given in them with their sources, the
scorecards that scored them, and human reviews. ``scorecards/application.json`` holds the points until a
lender's own model is the champion ``application``, ``consent.toml`` the words under which facts are given,
the policy table ``application-limit`` decides.

::

    apply ──► DRAFT ──code──► OFFERED ──accept──► ACCEPTED (line open, may be withdrawn from)
                │                ├──► WITHDRAWN, LAPSED
                │             REFERRED ──desk──► OFFERED or DECLINED
                └─► LAPSED    DECLINED ──asks for a person──► IN_REVIEW ──another──► OFFERED or DECLINED

Invariants
----------
- Each fact is kept with its source and the version of the consent it was given under.
- No fact and no characteristic is a protected ground, and none tells that somebody left, paused,
  withdrew, disputed or complained: who comes back is assessed like anybody else.
- A fact that is missing has points of its own that the scorecard states, or is an error.
- Nobody is declined without principal reasons, a letter and the way to a person who did not decide before.
- A line opens by the applicant's acceptance of the limit and the terms shown, and by nothing else; so does
  the limit rise of a customer who asked for more, which is the same application without a draft.
- Whether an ID number is known is told to nobody who has not proven the phone that belongs to it.

Acts: ``apply``, ``prove``, ``request_increase``, ``accept``, ``withdraw``, ``request_review``, ``decide``.
"""

from whiteslip.applications.acts import accept, apply, prove, withdraw
from whiteslip.applications.model import Application, Asked, Lender
from whiteslip.applications.raising import request_increase
from whiteslip.applications.reviews import decide, request_review

__all__ = [
    "Application",
    "Asked",
    "Lender",
    "accept",
    "apply",
    "decide",
    "prove",
    "request_increase",
    "request_review",
    "withdraw",
]
