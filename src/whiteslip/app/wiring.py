"""Put the rooms together: settings in, a platform out."""

from __future__ import annotations

import base64
import binascii
import gc
import os
import secrets
import signal
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from whiteslip import day, packs
from whiteslip.app.schema import changed_migrations, migrate_all, missing_migrations, newer_migrations
from whiteslip.app.settings import Settings, load
from whiteslip.app.terminal import CommandError, Exit, say
from whiteslip.decisions import Tables, policies
from whiteslip.exits import Office
from whiteslip.exits.offers import Offer, OfferError, read_offer
from whiteslip.identity import Vault, rotation
from whiteslip.identity.vault import VaultError
from whiteslip.lake import Lake
from whiteslip.notices import DemoPhone, Mailer, SmtpMailer
from whiteslip.notices.mailers import NoMailer
from whiteslip.packs import Pack, PackError
from whiteslip.store import Database, Tx, embedded
from whiteslip.store.files import write_once
from whiteslip.store.migrate import ChangedError
from whiteslip.store.timers import present
from whiteslip.watch import nightly
from whiteslip.web.kit.ports import Ports
from whiteslip.webhooks import Courier

DATABASE: Final = "whiteslip"
DEMO_MARK: Final = "demo"
# Beside it while the people of a demonstration live their years.
LIVING_MARK: Final = "demo.living"
# In the home of people who do not exist, so that another world may follow and none moves in with real ones.
WORLD_MARK: Final = "world"
LAKE_KEY: Final = "lake.key"
_SECRET_BYTES: Final = 32
_OLDEST_SERVER: Final = 16_00_00


@dataclass(frozen=True, slots=True)
class Platform:
    """Everything a command needs, opened once."""

    settings: Settings
    database: Database
    pack: Pack
    ports: day.Ports
    is_demo: bool

    @property
    def doors(self) -> Ports:
        """What the web doors reach the rooms through."""
        inner = self.ports
        engine = self.settings.text("lake_engine")
        return Ports(
            self.database,
            inner.vault,
            inner.office,
            inner.mailer,
            self.pack,
            inner.courier,
            inner.lake,
            engine,
        )


def database_url(settings: Settings) -> str:
    """The database's URL; the embedded server is started if it is ours and not running."""
    given = settings.text("database_url")
    if given:
        return given
    try:
        return embedded.start(settings.home, tell=say).url(DATABASE)
    except embedded.EmbeddedError as error:
        raise CommandError(str(error), Exit.UNHEALTHY) from None


def create_empty_database(settings: Settings) -> None:
    """Make the embedded database if there is none."""
    if not settings.text("database_url"):
        with psycopg.connect(embedded.start(settings.home, tell=say).url(), autocommit=True) as conn:
            conn.execute("SELECT pg_advisory_lock(1)")  # until the connection ends: another may make it too
            known = conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if known is None:
                conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def drop_database(settings: Settings) -> None:
    """Remove the embedded database and all that is in it. Whoever is connected is thrown out."""
    with psycopg.connect(embedded.start(settings.home, tell=say).url(), autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE)))


def create_database(settings: Settings, since: datetime | None = None) -> list[str]:
    """Make the database if need be, migrate it and put the shipped policies in force, now or ``since``.

    Returns the migrations applied. Raises CommandError for a database of another schema.
    """
    create_empty_database(settings)
    url = database_url(settings)
    _must_suit(url)
    _must_be_known(url)
    try:
        applied = migrate_all(url)
    except ChangedError as error:
        raise of_another_text(error.names) from None
    with closing(Database(url, 1)) as database, database.transaction() as tx:
        policies.install(tx, Tables.load(), since or present(tx))
    return applied


def _must_suit(url: str) -> None:
    """Raises CommandError for a server that is too old, or a database that cannot hold every name."""
    with psycopg.connect(url) as conn:
        version, encoding = conn.info.server_version, conn.info.parameter_status("server_encoding")
    if version < _OLDEST_SERVER:
        raise CommandError(
            f"the database server is PostgreSQL {version // 10_000}; it takes 16 or newer", Exit.UNHEALTHY
        )
    if encoding != "UTF8":
        raise CommandError(
            f"the database is encoded in {encoding}, which does not hold every letter; it takes UTF8",
            Exit.UNHEALTHY,
            hint="CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0",
        )


def _must_be_known(url: str) -> None:
    """Raises CommandError for a database that a newer version has migrated."""
    if newer := newer_migrations(url):
        raise CommandError(
            f"the database was migrated by a newer version, with {', '.join(newer)}; run that version, "
            "or restore a backup from before",
            Exit.UNHEALTHY,
        )


def holds_people(settings: Settings) -> bool:
    """Whether somebody's record is in the database, which a new master key would not open."""
    with closing(Database(database_url(settings), 1)) as database, database.transaction() as tx:
        return rotation.holds_people(tx)


def opens_all(settings: Settings) -> bool:
    """Whether the master key opens every record that is in the database."""
    vault = Vault.open(settings.master_key_file)
    with closing(Database(database_url(settings), 1)) as database, database.transaction() as tx:
        return not rotation.lacks_a_key(tx, vault)


def prepare_home(settings: Settings) -> None:
    """Make the home and its secrets: 0600, never overwritten."""
    settings.home.mkdir(parents=True, exist_ok=True)
    if not settings.master_key_file.exists():
        with suppress(VaultError):  # another was quicker
            Vault.create(settings.master_key_file)
    _make_secret(settings.home / "web.secret")


def _make_secret(path: Path) -> None:
    if not path.exists():
        with suppress(FileExistsError):
            write_once(path, base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode())


def _secret(path: Path) -> bytes:
    try:
        found = base64.b64decode(path.read_bytes().strip(), validate=True)
    except OSError as error:
        raise CommandError(
            f"{path} cannot be read: {error.strerror}", Exit.UNHEALTHY, "put it back from your copy"
        ) from None
    except binascii.Error:
        found = b""
    if len(found) != _SECRET_BYTES:
        raise CommandError(
            f"{path} is damaged: it holds no {_SECRET_BYTES} bytes in base64",
            Exit.UNHEALTHY,
            "put it back from your copy",
        )
    return found


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read, wherever somebody asked for it."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)


def web_secret(settings: Settings) -> bytes:
    """The key that signs anti-forgery tokens, the same in every process of the installation."""
    return _secret(settings.home / "web.secret")


def lake_of(settings: Settings) -> Lake | None:
    """The lake, unless it is switched off. Its key is made on first use."""
    if not settings.flag("lake"):
        return None
    must_be_made(settings)
    _make_secret(settings.home / LAKE_KEY)
    return Lake(settings.lake_folder, _secret(settings.home / LAKE_KEY))


def must_be_made(settings: Settings) -> None:
    """Raises CommandError where there is no installation yet."""
    if not settings.master_key_file.exists():
        said = f"there is no Whiteslip in {settings.home}"
        if settings.text("master_key_file"):
            said = f"the master key {settings.master_key_file} is not there"
        raise CommandError(said, Exit.UNHEALTHY, hint="whiteslip init")


def of_another_text(names: Sequence[str]) -> CommandError:
    """A released file is never edited, so this is the database of a version between two releases."""
    return CommandError(
        f"the database was made by another text of {', '.join(names)}: by a version that was never released,"
        " or by files that were edited since. Open it with the version that made it, or begin anew",
        Exit.UNHEALTHY,
        hint="set WHITESLIP_HOME to a new folder, then whiteslip init",
    )


@contextmanager
def signals_left_to_main() -> Generator[None]:
    """Threads that begin inside take no signal that ends the program.

    Linux hands one to any thread that does not block it, and Python runs its handler in the main thread
    only, which does not wake for a signal that another thread took.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def opened(
    settings: Settings, size: int = 8, durable: bool = True, patience: float = 30.0
) -> Generator[Platform]:
    """Open the platform, and close it at the end. A transaction waits ``patience`` seconds for the database.

    Raises CommandError where there is none yet, or its schema is of another version.
    """
    must_be_made(settings)
    url = database_url(settings)
    try:
        _must_suit(url)
        _must_be_known(url)
        missing, edited = missing_migrations(url), changed_migrations(url)
    except psycopg.OperationalError as error:
        said = f"the database does not answer: {str(error).strip()}"
        # A home whose making was cut off has a server without our database in it.
        hint = "whiteslip init" if "does not exist" in said else None
        raise CommandError(said, Exit.UNHEALTHY, hint) from None
    if edited:
        raise of_another_text(edited)
    if missing:
        raise CommandError(
            f"the database lacks {len(missing)} migrations of this version; back it up, then migrate",
            Exit.UNHEALTHY,
            hint="whiteslip backup FILE && whiteslip init",
        )
    with signals_left_to_main():
        database = Database(url, size, durable, patience)
    try:
        platform = _platform(settings, database)
        settle()
        yield platform
    finally:
        database.close()


@contextmanager
def working() -> Generator[tuple[Platform, Tx]]:
    """What a command works with: the environment's platform, and a transaction that ends with it."""
    with opened(load(os.environ)) as platform, platform.database.transaction() as tx:
        yield platform, tx


def settle() -> None:
    """Tell the collector of cycles that what is loaded now stays, and that batches are large.

    A batch makes thousands of objects and no cycles; it used to wake the collector dozens of times,
    to walk every module again: a sixth of the processor time of a purchase.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def loaded_pack(settings: Settings) -> Pack:
    """The pack of this installation. Raises CommandError where there is no such pack."""
    try:
        return packs.load(settings.text("pack"))
    except PackError as error:
        raise CommandError(str(error), Exit.USAGE) from None


def _platform(settings: Settings, database: Database) -> Platform:
    pack = loaded_pack(settings)
    is_demo = (settings.home / DEMO_MARK).exists()
    vault = Vault.open(settings.master_key_file, pack.country)
    issuer, agency = settings.text("issuer_name"), settings.text("bureau_agency")
    office = Office(Tables.load(), issuer, _offer(settings), nightly.watched, agency)
    courier = Courier(web_secret(settings), settings.flag("webhooks_allow_internal"))
    ports = day.Ports(office, vault, _mailer(settings, database, is_demo), courier, lake_of(settings))
    return Platform(settings, database, pack, ports, is_demo)


def _offer(settings: Settings) -> Offer | None:
    path = settings.path("offer_file")
    try:
        return read_offer(path) if path else None
    except OfferError as error:
        raise CommandError(str(error), Exit.USAGE) from None


def _mailer(settings: Settings, database: Database, is_demo: bool) -> Mailer:
    if settings.text("smtp_host"):
        return SmtpMailer(
            host=settings.text("smtp_host"),
            port=settings.number("smtp_port"),
            sender=settings.text("smtp_sender"),
            user=settings.text("smtp_user") or None,
            password_file=settings.path("smtp_password_file"),
            tls=settings.text("smtp_tls"),
        )
    return DemoPhone(database) if is_demo else NoMailer()
