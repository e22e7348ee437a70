"""Lake: what the books held at the end of each day, as files that any engine reads.

What it owns: a folder and no table. ``day=2026-01-31/`` holds ten Parquet files (zstd) and a
manifest: schema version, row counts, sizes, SHA-256, control totals. They are read through the
views of the rooms below, in one transaction that sees one moment, as of the end of the day.

Acts: :func:`export` takes a snapshot, :func:`newest` finds the one to answer from, :func:`verify`
looks at all, :func:`read` answers SQL on one, :func:`pass_over` notes a night that left none on purpose.

Invariants
----------
- No personal data: identifiers are keyed hashes (HMAC-SHA256); the key stays in the home.
- A snapshot whose totals are not those of the ledger at the end of that day is refused: principal,
  interest, fees, credit and holds, per currency, read back from the files. So are the scores counted.
- It is there whole or not at all: written beside its place, synced, renamed.
- What is cut off, changed, or of an unknown schema is not served; an older day is, and says so. One of an
  older schema is served with the tables it has.
- The clock never goes back: no snapshot is taken before the newest one was.
"""

from whiteslip.lake.acts import export, newest, pass_over, verify
from whiteslip.lake.model import SCHEMA_VERSION, TABLES, Fault, Lake, Manifest, Snapshot
from whiteslip.lake.query import read

__all__ = [
    "SCHEMA_VERSION",
    "TABLES",
    "Fault",
    "Lake",
    "Manifest",
    "Snapshot",
    "export",
    "newest",
    "pass_over",
    "read",
    "verify",
]
