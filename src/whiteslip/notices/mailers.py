"""Ways out: a mail server, the demonstration phone, or none."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from whiteslip.base import new_id
from whiteslip.notices.model import Addressee, Message, Receipt
from whiteslip.store import Database, load_queries
from whiteslip.store.database import Row, Tx

_queries = load_queries(__file__)
_TIMEOUT_SECONDS = 30


class MailError(Exception):
    """A message was not taken. ``permanent``: trying again is no use; ``waits``: for as long as
    it takes, because nobody has said yet how to send.
    """

    def __init__(self, reply: str, permanent: bool = False, waits: bool = False) -> None:
        super().__init__(reply)
        self.reply = reply
        self.permanent = permanent
        self.waits = waits


class Mailer(Protocol):
    """A way out for letters and for one-time codes."""

    def send(self, message: Message) -> Receipt:
        """Hand a letter over. Raises MailError when it was not taken."""
        ...

    def send_code(self, recipient: UUID, addressee: Addressee, title: str, text: str, at: datetime) -> None:
        """Deliver a one-time code. Raises MailError."""
        ...


@dataclass(frozen=True, slots=True)
class NoMailer:
    """No way out is configured: letters wait and are shown in the portal only."""

    def send(self, message: Message) -> Receipt:  # noqa: ARG002
        """Refuse; the letter is tried again later."""
        raise MailError("no mail server is configured", waits=True)

    def send_code(self, recipient: UUID, addressee: Addressee, title: str, text: str, at: datetime) -> None:  # noqa: ARG002
        """Refuse."""
        raise MailError("no mail server is configured", waits=True)


@dataclass(frozen=True, slots=True)
class SmtpMailer:
    """A mail server. ``tls`` is ``starttls``, ``tls`` or ``none`` (loopback only)."""

    host: str
    port: int
    sender: str
    user: str | None = None
    password_file: Path | None = None
    tls: str = "starttls"

    def send(self, message: Message) -> Receipt:
        """Hand a letter over with its PDF; the message id follows from the notice's id."""
        mail = self._mail(message.addressee.email, message.title, message.at)
        mail["Message-ID"] = f"<{message.id}@{self.sender.rpartition('@')[2]}>"
        mail.set_content(f"{message.greeting}\n\n{message.body}")
        mail.add_attachment(message.pdf, "application", "pdf", filename="letter.pdf")
        return Receipt(self._hand_over(mail), str(mail["Message-ID"]))

    def send_code(self, recipient: UUID, addressee: Addressee, title: str, text: str, at: datetime) -> None:  # noqa: ARG002
        """Deliver a code by e-mail."""
        mail = self._mail(addressee.email, title, at)
        mail.set_content(text)
        self._hand_over(mail)

    def _mail(self, to: str, subject: str, at: datetime) -> EmailMessage:
        mail = EmailMessage()
        try:
            mail["From"] = self.sender
            mail["To"] = to
            mail["Subject"] = subject
        except ValueError:  # a line break in a header: somebody tries to add headers of their own
            raise MailError("the address or the title cannot stand in a header", permanent=True) from None
        mail["Date"] = format_datetime(at)
        mail["Auto-Submitted"] = "auto-generated"
        return mail

    def _hand_over(self, mail: EmailMessage) -> str:
        try:
            with self._connect() as server:
                refused = server.send_message(mail)
                if refused:
                    raise MailError("the server refused the recipient", permanent=True)
                return "accepted"
        except smtplib.SMTPResponseException as error:
            raise MailError(f"code {error.smtp_code}", permanent=error.smtp_code >= 500) from None
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({code for code, _ in error.recipients.values()})
            raise MailError(f"recipient refused: {codes}", permanent=min(codes) >= 500) from None
        except (OSError, smtplib.SMTPException) as error:
            raise MailError(type(error).__name__) from None

    def _connect(self) -> smtplib.SMTP:
        if self.tls == "tls":
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=_TIMEOUT_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT_SECONDS)
        if self.tls == "starttls":
            server.starttls(context=ssl.create_default_context())
        if self.user and self.password_file:
            server.login(self.user, self.password_file.read_text().strip())
        return server


@dataclass(frozen=True, slots=True)
class DemoPhone:
    """Shows codes and letters on screen, for a demonstration with people who do not exist."""

    database: Database

    def send(self, message: Message) -> Receipt:
        """Show a letter."""
        with self.database.transaction() as tx:
            self._show(tx, message.recipient, message.id, message.title, message.body, message.at)
        return Receipt("shown on the demonstration phone", f"<{message.id}@phone>")

    def send_code(self, recipient: UUID, addressee: Addressee, title: str, text: str, at: datetime) -> None:  # noqa: ARG002
        """Show a code."""
        with self.database.transaction() as tx:
            self._show(tx, recipient, None, title, text, at)

    def _show(
        self, tx: Tx, recipient: UUID, notice: UUID | None, title: str, body: str, at: datetime
    ) -> None:
        _queries.show(
            tx.conn, id=new_id(at), recipient=recipient, notice=notice, title=title, body=body, now=at
        )


def on_phone(tx: Tx, recipient: UUID, count: int = 20) -> list[Row]:
    """What the demonstration phone of somebody shows: id, notice, title, body, at; newest first."""
    return list(_queries.phone(tx.conn, recipient=recipient, count=count))
