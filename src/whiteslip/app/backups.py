"""One file that holds the database, and the way back."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from whiteslip.app.schema import missing_migrations, texts
from whiteslip.app.settings import Settings
from whiteslip.app.terminal import CommandError, Exit, must_exist
from whiteslip.app.wiring import (
    create_empty_database,
    database_url,
    holds_people,
    must_be_made,
    of_another_text,
    opens_all,
    prepare_home,
)
from whiteslip.store import embedded

FORMAT: Final = 1
_BLOCK: Final = 1 << 20
_DUMP: Final = "database.dump"
_MANIFEST: Final = "manifest.json"
# The application's role belongs to the server, not to the database, so a dump does not hold it. Where we may
# not make it an administrator does; what the dump grants to it is left out until then.
_ROLE: Final = """
DO $$ BEGIN
    CREATE ROLE whiteslip_app NOLOGIN;
    EXECUTE format('GRANT whiteslip_app TO %I', current_user);
EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;
END $$
"""
_HAS_ROLE: Final = "SELECT 1 FROM pg_roles WHERE rolname = 'whiteslip_app'"
# What an extension brought along, such as a view of statistics, is nobody's.
_HOLDS: Final = """
SELECT 1 FROM pg_class AS c
WHERE c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
LIMIT 1
"""


def _program(name: str, url: str | None, *arguments: str, reading: IO[bytes] | None = None) -> bytes:
    """What one of PostgreSQL's programs says, on a database if there is a ``url``, of what it is ``reading``.

    No password stands on its command line.
    """
    given = conninfo_to_dict(url or "")
    password = given.pop("password", None)
    database = [f"--dbname={make_conninfo('', **given)}"] if url else []
    with subprocess.Popen(
        [str(embedded.packaged_binaries() / "bin" / name), *database, *arguments],
        env=os.environ | ({"PGPASSWORD": str(password)} if password else {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        if reading and program.stdin:
            with suppress(BrokenPipeError), program.stdin as into:  # one that gives up says why
                shutil.copyfileobj(reading, into)
            program.stdin = None
        said, wrong = program.communicate()
    if program.returncode:
        why = wrong.decode(errors="replace").strip()[:2000] or f"it ended with {program.returncode}"
        raise CommandError(f"{name} failed: {why}")
    return said


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def write(settings: Settings, file: str) -> dict[str, Any]:
    """Back the database up into ``file``, or to stdout for ``-``. Nothing half-written is left."""
    must_be_made(settings)
    if file == "-" and sys.stdout.isatty():
        raise CommandError("stdout is a terminal; name a file, or lead it into one", Exit.USAGE)
    url, target = database_url(settings), None if file == "-" else Path(file)
    if target and target.exists():
        raise CommandError(f"{target} exists; a backup never replaces a file", Exit.CONFLICT)
    try:
        # Beside its place, where room for it must be, and not where the machine keeps what is small.
        with tempfile.TemporaryDirectory(prefix="backup.", dir=target and target.parent) as folder:
            dump, whole = Path(folder) / _DUMP, Path(folder) / "whole.tar"
            _program("pg_dump", url, "--format=custom", "--no-owner", f"--file={dump}")
            with dump.open("rb") as content:
                digest = _sha256(content)
            manifest = {"format": FORMAT, "sha256": digest, "bytes": dump.stat().st_size}
            if target is None:
                _pack(dump, manifest, sys.stdout.buffer)
                return manifest
            whole.touch(0o600)
            with whole.open("wb") as out:
                _pack(dump, manifest, out)
                os.fsync(out.fileno())
            whole.rename(target)
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from None
    return {"file": str(target), **manifest}


def _pack(dump: Path, manifest: dict[str, Any], into: IO[bytes]) -> None:
    with tarfile.open(fileobj=into, mode="w|") as tar:
        text = json.dumps(manifest).encode()
        info = tarfile.TarInfo(_MANIFEST)
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
        tar.add(dump, _DUMP)
    into.flush()


def verify(file: Path) -> dict[str, Any]:
    """Whether a backup is whole, and of no newer version than this one. Raises CommandError if not."""
    with _unpacked(file) as (dump, manifest):
        if manifest.get("format") != FORMAT:
            raise CommandError(f"{file} is of format {manifest.get('format')}; this version reads {FORMAT}")
        if _sha256(dump) != manifest.get("sha256"):
            raise CommandError(f"{file} is damaged: its checksum differs")
        dump.seek(0)
        of_table = ["--data-only", "--schema=store", "--table=migration", "--file=-"]
        listed = _program("pg_restore", None, *of_table, reading=dump).decode()
    made_by = dict(line.split("\t") for line in listed.splitlines() if line.count("\t") == 1)
    here = texts()
    if newer := [name for name in made_by if name not in here]:
        raise CommandError(
            f"{file} was made by a newer version, with {', '.join(newer)}; restore it by that version",
            Exit.UNHEALTHY,
        )
    if edited := [name for name, text in made_by.items() if text != here[name]]:
        raise of_another_text(edited)
    return manifest


def read(settings: Settings, file: Path) -> dict[str, Any]:
    """Restore a backup into an empty database, whole or not at all. One that holds anything is left alone.

    Raises CommandError, too, where all is restored and the keys in the home are not those of its people.
    """
    manifest = verify(file)
    create_empty_database(settings)
    url = database_url(settings)
    with psycopg.connect(url) as conn:
        if conn.execute(_HOLDS).fetchone():
            raise CommandError(
                "the database is not empty",
                Exit.CONFLICT,
                hint="WHITESLIP_HOME=elsewhere whiteslip restore FILE",
            )
        conn.execute(_ROLE)
        rights = [] if conn.execute(_HAS_ROLE).fetchone() else ["--no-privileges"]
    with _unpacked(file) as (dump, _):
        _program("pg_restore", url, "--no-owner", "--single-transaction", *rights, reading=dump)
    _must_have_its_keys(settings)
    return {**manifest, "missing_migrations": len(missing_migrations(url))}


def _must_have_its_keys(settings: Settings) -> None:
    """Keys are made for a database that holds nobody, and never for people who are under others."""
    key, secret = settings.master_key_file, settings.home / "web.secret"
    if not holds_people(settings):
        prepare_home(settings)
        return
    absent = [str(path) for path in (key, secret) if not path.exists()]
    if absent:
        said = f"put {' and '.join(absent)} back from your copy of its home"
    elif not opens_all(settings):
        said = f"{key} does not open every record; put back the one of its home"
    else:
        return
    raise CommandError(f"the database is restored; {said}", Exit.UNHEALTHY, "whiteslip doctor, afterwards")


@contextmanager
def _unpacked(file: Path) -> Generator[tuple[IO[bytes], dict[str, Any]]]:
    """The dump in a backup, to be read where it lies, and the manifest."""
    must_exist(file)
    try:
        with tarfile.open(file, "r:") as tar:
            if sorted(tar.getnames()) != [_DUMP, _MANIFEST]:
                raise CommandError(f"{file} is no backup of Whiteslip")
            dump, text = tar.extractfile(_DUMP), tar.extractfile(_MANIFEST)
            if dump is None or text is None:
                raise CommandError(f"{file} is no backup of Whiteslip")
            yield dump, json.loads(text.read())
    except (tarfile.TarError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read as a backup: {error}") from None
