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
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from whiteslip.app.schema import missing_migrations
from whiteslip.app.settings import Settings
from whiteslip.app.terminal import CommandError, Exit, must_exist
from whiteslip.app.wiring import create_empty_database, database_url, prepare_home
from whiteslip.store import embedded

FORMAT: Final = 1
_BLOCK: Final = 1 << 20
# The application's role belongs to the server, not to the database, so a dump does not hold it.
_ROLE: Final = """
DO $$ BEGIN CREATE ROLE whiteslip_app NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$
"""


def _program(name: str, url: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on a database: no password on its command line."""
    program = embedded.packaged_binaries() / "bin" / name
    given = conninfo_to_dict(url)
    password = given.pop("password", None)
    done = subprocess.run(
        [str(program), f"--dbname={make_conninfo('', **given)}", *arguments],
        env=os.environ | ({"PGPASSWORD": str(password)} if password else {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CommandError(f"{name} failed: {done.stderr.strip()[:2000]}")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def write(settings: Settings, file: str) -> dict[str, Any]:
    """Back the database up into ``file``, or to stdout for ``-``. Nothing half-written is left."""
    url = database_url(settings)
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / "database.dump"
        _program("pg_dump", url, "--format=custom", "--no-owner", f"--file={dump}")
        manifest = {"format": FORMAT, "sha256": _sha256(dump), "bytes": dump.stat().st_size}
        whole = Path(folder) / "whole.tar"
        with tarfile.open(whole, "w") as tar:
            text = json.dumps(manifest).encode()
            info = tarfile.TarInfo("manifest.json")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
            tar.add(dump, "database.dump")
        if file == "-":
            with whole.open("rb") as source:
                while block := source.read(_BLOCK):
                    sys.stdout.buffer.write(block)
            return manifest
        target = Path(file)
        if target.exists():
            raise CommandError(f"{target} exists; a backup never replaces a file", Exit.CONFLICT)
        half = target.with_name(target.name + ".part")
        try:
            half.unlink(missing_ok=True)
            half.touch(0o600)
            shutil.copyfile(whole, half)
            half.rename(target)
        except OSError as error:
            with suppress(OSError):
                half.unlink(missing_ok=True)
            raise CommandError(f"{target} cannot be written: {error.strerror}") from None
    return {"file": str(target), **manifest}


def verify(file: Path) -> dict[str, Any]:
    """Whether a backup is whole. Raises CommandError when it is not."""
    with tempfile.TemporaryDirectory() as folder:
        return _unpack(file, Path(folder))[1]


def read(settings: Settings, file: Path) -> dict[str, Any]:
    """Restore a backup into an empty database. One that holds anything is left alone."""
    with tempfile.TemporaryDirectory() as folder:
        dump, manifest = _unpack(file, Path(folder))
        prepare_home(settings)
        create_empty_database(settings)
        url = database_url(settings)
        with psycopg.connect(url) as conn:
            if conn.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'store'").fetchone():
                raise CommandError(
                    "the database is not empty",
                    Exit.CONFLICT,
                    hint="WHITESLIP_HOME=elsewhere whiteslip restore FILE",
                )
            conn.execute(_ROLE)
        _program("pg_restore", url, "--no-owner", "--exit-on-error", str(dump))
    return {**manifest, "missing_migrations": len(missing_migrations(url))}


def _unpack(file: Path, folder: Path) -> tuple[Path, dict[str, Any]]:
    """The dump and the manifest, after its checksum was found right."""
    must_exist(file)
    try:
        with tarfile.open(file, "r:") as tar:
            if sorted(tar.getnames()) != ["database.dump", "manifest.json"]:
                raise CommandError(f"{file} is no backup of Whiteslip")
            tar.extractall(folder, filter="data")
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    except (OSError, tarfile.TarError, json.JSONDecodeError) as error:
        raise CommandError(f"{file} cannot be read as a backup: {error}") from None
    dump = folder / "database.dump"
    if manifest.get("format") != FORMAT:
        raise CommandError(f"{file} is of format {manifest.get('format')}; this version reads {FORMAT}")
    if _sha256(dump) != manifest.get("sha256"):
        raise CommandError(f"{file} is damaged: its checksum differs")
    return dump, manifest
