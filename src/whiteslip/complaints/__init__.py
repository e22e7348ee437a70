"""Complaints: what customers are not content with, each with its clock and an answer.

What it owns: schema ``complaints``: the register. The words of a complainant are sealed in the
identity vault; here are its topic, its deadline and how it was answered.

::

    file ──► OPEN ──extend, with a reason, as often as the pack allows──► OPEN ──answer──► ANSWERED
               └── deadline ──► overdue: told where to turn; cannot be turned down any more

Invariants
----------
- Acknowledged in the transaction in which it is filed, with the day of the answer.
- Nothing is demanded of the complainant: neither papers nor data that the lender holds.
- A deadline that nobody met does not end a complaint: it escalates in the complainant's favour.
- No rule, score, restriction or decision reads this room; a test holds that.

Acts: ``file``, ``extend``, ``answer``, ``overdue``.
"""

from whiteslip.complaints.acts import answer, extend, file, overdue
from whiteslip.complaints.model import Complaint, Outcome, Topic

__all__ = ["Complaint", "Outcome", "Topic", "answer", "extend", "file", "overdue"]
