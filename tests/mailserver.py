"""A mail server on loopback that is as slow, as silent or as moody as a test wants."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from whiteslip.notices import SmtpMailer

_POLITE = {"hello": "220 here", "DATA": "354 go on", "QUIT": "221 bye"}
# To a message itself, and instead of an answer: it hangs up.
MESSAGE, HANGS_UP = "message", ""


@dataclass
class MailServer:
    """``says`` answers a word of the client, or ``hello`` or ``message``; None is what a polite server says.

    ``hosted`` counts connections; ``taken`` has messages that were given whole, whatever was said to them.
    """

    says: Callable[[str], str | None] = lambda _: None
    taken: list[bytes] = field(default_factory=list[bytes])
    hosted: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    listening: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    def __post_init__(self) -> None:
        self.port = int(self.listening.getsockname()[1])

    @property
    def mailer(self) -> SmtpMailer:
        """A way out to it."""
        return SmtpMailer("127.0.0.1", self.port, "letters@example.com", tls="none")

    def silence(self, _word: str) -> str:
        """Says nothing until the test is over."""
        self.over.wait()
        return HANGS_UP

    def end(self) -> None:
        """Hang up on whoever waits, and be gone."""
        if not self.over.is_set():
            self.over.set()
            with socket.create_connection(("127.0.0.1", self.port)):
                pass  # it waits for somebody to come

    def serve(self) -> None:
        """Be there for one after the other."""
        guests: list[threading.Thread] = []
        with self.listening, suppress(OSError):
            while not self.over.is_set():
                guest, _ = self.listening.accept()
                self.hosted += 1
                guests.append(threading.Thread(target=self._host, args=(guest,)))
                guests[-1].start()
        for each in guests:
            each.join()

    def _host(self, guest: socket.socket) -> None:
        with guest, guest.makefile("rb") as lines, suppress(OSError):
            word = "hello"
            while word:
                answer = self.says(word)
                if answer is None:
                    answer = _POLITE.get(word, "250 fine")
                if answer == HANGS_UP:
                    return
                guest.sendall(f"{answer}\r\n".encode())
                if word == "DATA" and answer.startswith("354"):
                    message = [line := lines.readline()]
                    while line not in (b".\r\n", b""):
                        message.append(line := lines.readline())
                    if not line:
                        return  # it broke off
                    self.taken.append(b"".join(message))
                    word = MESSAGE
                elif word == "QUIT":
                    return
                else:
                    word = lines.readline().decode().strip().partition(" ")[0].upper()


@contextmanager
def mail_server() -> Generator[MailServer]:
    """A mail server; whom it leaves without an answer it hangs up on at the end."""
    server = MailServer()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.end()
        thread.join()
