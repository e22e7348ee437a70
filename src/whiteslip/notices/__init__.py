"""Notices: letters, and the proof that each was sent once.

What it owns: schema ``notices``; the texts in ``texts/``, the page in ``templates/``, the fonts.
A letter is queued as facts that name nobody; whoever it goes to is asked for when it is written.
The same facts and name give the same bytes, so what was sent can be shown again.

Invariants
----------
- A letter is queued once per ``dedupe``, in the transaction of the act it tells of.
- It is claimed before it is sent and settled after; a crash in between, or a server that has all of it and
  does not answer, leaves it *unknown* and it is never sent a second time by itself.
- Each attempt leaves a proof: when, what the server answered, the hashes of text and PDF.
- Facts reach mail headers, text and page as data; they cannot become markup or headers.
"""

from whiteslip.notices.acts import get, letter, of_recipient, of_subject, queue, send_next, sweep
from whiteslip.notices.mailers import DemoPhone, Mailer, SmtpMailer
from whiteslip.notices.model import Addressee, NewNotice

__all__ = [
    "Addressee",
    "DemoPhone",
    "Mailer",
    "NewNotice",
    "SmtpMailer",
    "get",
    "letter",
    "of_recipient",
    "of_subject",
    "queue",
    "send_next",
    "sweep",
]
