"""On the wire: the certificate is that of the name, though we connect to the address; slow ones are left."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from whiteslip.webhooks import courier
from whiteslip.webhooks.courier import new_secret
from whiteslip.webhooks.model import Answer, Event

from .conftest import COURIER

NAME = "hooks.example.com"
EVENT = Event(1, "line.closed", b"{}")


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate of a name that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    kept, secret = folder / "certificate.pem", folder / "key.pem"
    kept.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return kept, secret


@pytest.fixture
def secure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], tuple[int, list[str]]]]:
    """Starts an https server with a name's certificate, which we trust; its port, and the names asked for."""
    asked: list[str] = []
    servers: list[tuple[HTTPServer, threading.Thread]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            asked.append(f"host {self.headers['host']}")
            self.send_response(204)
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            del code, size

    def begin(name: str) -> tuple[int, list[str]]:
        kept, key = certificate(tmp_path, name)
        inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        inside.load_cert_chain(kept, key)

        def note(_socket: object, asked_for: str | None, _context: object) -> None:
            asked.append(f"sni {asked_for}")

        inside.sni_callback = note
        trusting = ssl.create_default_context(cafile=str(kept))
        monkeypatch.setattr(courier, "_tls", lambda: trusting)
        server = HTTPServer(("127.0.0.1", 0), Handler)
        server.socket = inside.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return server.server_port, asked

    def resolve(_host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    yield begin
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_name_is_shown_and_its_certificate_checked_though_the_address_is_called(
    secure: Callable[[str], tuple[int, list[str]]],
):
    port, asked = secure(NAME)
    assert COURIER.send(f"https://{NAME}:{port}/", [new_secret()], EVENT).status == 204
    assert asked == [f"sni {NAME}", f"host {NAME}:{port}"]


def test_a_certificate_of_another_name_is_not_believed(secure: Callable[[str], tuple[int, list[str]]]):
    port, asked = secure("other.example.com")
    answer = COURIER.send(f"https://{NAME}:{port}/", [new_secret()], EVENT)
    assert (answer.status, answer.error) == (None, "unreachable")
    assert asked == [f"sni {NAME}"]


@contextmanager
def dripping(bytes_of: Callable[[], bytes]) -> Generator[int]:
    """A server that gives one piece of an answer after the other, for as long as anybody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            with suppress(OSError):
                taken, _ = server.accept()
                with taken:
                    taken.sendall(b"HTTP/1.1 ")
                    for _ in range(400):
                        taken.sendall(bytes_of())
                        time.sleep(0.05)

        thread = threading.Thread(target=drip)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def sent_to(port: int) -> Answer:
    return COURIER.send(f"http://127.0.0.1:{port}/", [new_secret()], EVENT)


def test_who_answers_one_byte_at_a_time_is_left_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(courier, "TIMEOUT_SECONDS", 0.5)
    with dripping(lambda: b"2") as port:
        answer = sent_to(port)
    assert (answer.status, answer.error) == (None, "timeout")
    assert answer.ms < 5_000


def test_a_body_without_end_is_not_read():
    head = iter([b"200 OK\r\n\r\n"])
    with dripping(lambda: next(head, b"x" * 65_536)) as port:
        answer = sent_to(port)
    assert answer.status == 200
    assert answer.ms < 5_000


def test_what_is_no_http_is_an_answer_too():
    with dripping(lambda: b"\x00\xff nonsense\r\n\r\n") as port:
        assert sent_to(port).error == "unreachable"


def test_no_address_is_in_the_log(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO), dripping(lambda: b"204 No Content\r\n\r\n") as port:
        COURIER.send(f"http://127.0.0.1:{port}/?token=abc", [new_secret()], EVENT)
    assert "abc" not in caplog.text
