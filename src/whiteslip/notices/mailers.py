"""Ways out: a mail server, the demonstration phone, or none."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self
from uuid import UUID

from whiteslip.base import new_id
from whiteslip.notices.model import Addressee, Message, Receipt
from whiteslip.store import Database, load_queries
from whiteslip.store.database import Row, Tx

_queries = load_queries(__file__)
_TIMEOUT_SECONDS = 30
# RFC 5321, 4.5.3.2.6: who waits less for the answer to a whole message has it taken twice.
_ANSWER_SECONDS = 600
_END = b"\r\n.\r\n"


class MailError(Exception):
    """A message was not taken. ``permanent``: trying again is no use; ``away``: there is no server that lets
    us in, which says nothing about the message; ``in_doubt``: perhaps it was taken after all.
    """

    def __init__(
        self, reply: str, permanent: bool = False, away: bool = False, in_doubt: bool = False
    ) -> None:
        super().__init__(reply)
        self.reply = reply
        self.permanent = permanent
        self.away = away
        self.in_doubt = in_doubt


class Mailer(Protocol):
    """A way out for letters and for one-time codes. ``with_pdf``: whether it takes a letter's PDF along."""

    with_pdf: ClassVar[bool]

    def send(self, message: Message) -> Receipt:
        """Hand a letter over. Raises MailError when it was not taken."""
        ...

    def send_code(self, recipient: UUID, addressee: Addressee, title: str, text: str, at: datetime) -> None:
        """Deliver a one-time code. Raises MailError."""
        ...


@dataclass(frozen=True, slots=True)
class NoMailer:
    """No way out is configured: letters wait and are shown in the portal only."""

    with_pdf: ClassVar = False

    def send(self, message: Message) -> Receipt:  # noqa: ARG002
        """Refuse."""
        raise MailError("no mail server is configured", away=True)

    def send_code(self, recipient: UUID, addressee: Addressee, title: str, text: str, at: datetime) -> None:  # noqa: ARG002
        """Refuse."""
        raise MailError("no mail server is configured", away=True)


@dataclass(frozen=True, slots=True)
class SmtpMailer:
    """A mail server. ``tls`` is ``starttls``, ``tls`` or ``none`` (loopback only)."""

    with_pdf: ClassVar = True

    host: str
    port: int
    sender: str
    user: str | None = None
    password_file: Path | None = None
    tls: str = "starttls"

    def send(self, message: Message) -> Receipt:
        """Hand a letter over with its PDF; the message id follows from the notice's id."""
        with _Connection(self) as connection:
            return connection.send(message)

    def send_code(self, recipient: UUID, addressee: Addressee, title: str, text: str, at: datetime) -> None:  # noqa: ARG002
        """Deliver a code by e-mail."""
        mail = self.mail(addressee.email, title, at)
        mail.set_content(text)
        with _Connection(self) as connection:
            connection.hand_over(mail)

    def mail(self, to: str, subject: str, at: datetime) -> EmailMessage:
        """A mail with its headers. Raises MailError."""
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

    def connect(self) -> _Server:
        """A new connection. Raises OSError and SMTPException."""
        if self.tls == "tls":
            context = ssl.create_default_context()
            server: _Server = _TlsServer(self.host, self.port, timeout=_TIMEOUT_SECONDS, context=context)
        else:
            server = _Server(self.host, self.port, timeout=_TIMEOUT_SECONDS)
        with ExitStack() as unless_done:
            unless_done.callback(server.close)
            server.ehlo_or_helo_if_needed()
            if self.tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if self.user and self.password_file:
                server.login(self.user, self.password_file.read_text().strip())
            unless_done.pop_all()
        return server


class _Server(smtplib.SMTP):
    """A connection that knows whether its server was given a whole message and has not answered yet."""

    in_doubt = False

    def send(self, s: Any) -> None:
        """Of a message the end comes last: what broke off before was not taken."""
        super().send(s)
        self.in_doubt = isinstance(s, bytes) and s.endswith(_END)
        if self.sock:
            self.sock.settimeout(_ANSWER_SECONDS if self.in_doubt else _TIMEOUT_SECONDS)

    def getreply(self) -> tuple[int, bytes]:
        """What the server answers."""
        answer = super().getreply()
        self.in_doubt = False
        return answer


class _TlsServer(smtplib.SMTP_SSL, _Server):
    """The same over TLS."""


class _Connection:
    """Letters one after the other: the server is connected to with the first, and anew where it hung up."""

    with_pdf: ClassVar = SmtpMailer.with_pdf

    def __init__(self, mailer: SmtpMailer) -> None:
        self._mailer = mailer
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._server:
            # A goodbye that goes wrong takes back nothing that was handed over.
            with suppress(OSError, smtplib.SMTPException):
                self._server.quit()
            self._server.close()

    def send(self, message: Message) -> Receipt:
        """Hand a letter over. Raises MailError when it was not taken."""
        mail = self._mailer.mail(message.addressee.email, message.title, message.at)
        mail["Message-ID"] = f"<{message.id}@{self._mailer.sender.rpartition('@')[2]}>"
        mail.set_content(f"{message.greeting}\n\n{message.body}")
        mail.add_attachment(message.pdf, "application", "pdf", filename="letter.pdf")
        return Receipt(self.hand_over(mail), str(mail["Message-ID"]))

    def send_code(self, recipient: UUID, addressee: Addressee, title: str, text: str, at: datetime) -> None:
        """Deliver a code, on a connection of its own."""
        self._mailer.send_code(recipient, addressee, title, text, at)

    def hand_over(self, mail: EmailMessage) -> str:
        """What the server says to it. Raises MailError."""
        kept, self._server = self._server, None
        try:
            self._server = kept or self._mailer.connect()
            self._server.send_message(mail)
        except smtplib.SMTPResponseException as error:
            fault = MailError(f"code {error.smtp_code}", error.smtp_code >= 500, self._server is None)
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({code for code, _ in error.recipients.values()})
            fault = MailError(f"recipient refused: {codes}", permanent=min(codes) >= 500)
        except (OSError, smtplib.SMTPException) as error:
            in_doubt = self._server is not None and self._server.in_doubt
            fault = MailError(type(error).__name__, away=self._server is None, in_doubt=in_doubt)
        else:
            return "accepted"
        if self._server and self._server.sock is None:
            self._server = None
            if kept and not fault.in_doubt:
                # Many servers take so many messages on a connection, or keep it for so long.
                return self.hand_over(mail)
        raise fault


def for_a_run(mailer: Mailer) -> AbstractContextManager[Mailer]:
    """For letters one after the other: a mail server is connected to once."""
    return _Connection(mailer) if isinstance(mailer, SmtpMailer) else nullcontext(mailer)


@dataclass(frozen=True, slots=True)
class DemoPhone:
    """Shows codes and letters on screen, for a demonstration with people who do not exist.

    A letter's words, that is; the portal has its PDF.
    """

    with_pdf: ClassVar = False

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
