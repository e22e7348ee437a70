"""Store: the database, and what must commit together with every act.

What it owns: the embedded PostgreSQL, the transaction, the journal, timers, idempotency keys and
migrations. Its tables are in schema ``store``.

Invariants
----------
- One place opens transactions: :meth:`Database.transaction`. Acts take its ``Tx``.
- The journal is audit trail and outbox in one: append-only, numbered without gaps in commit
  order, each row bound to the one before by SHA-256. An act and its journal row commit together.
- A timer is a row that is popped against the ``now`` passed in; a test clock drives it.
- An idempotency key belongs to one request: the same key with another body is refused.
- The application's role can neither change nor delete what is append-only, nor say what is; it writes
  through no view.
"""

from whiteslip.store.database import Database, Entry, Tx, load_queries

__all__ = ["Database", "Entry", "Tx", "load_queries"]
