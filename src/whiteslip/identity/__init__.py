"""Identity: who people are, kept where nothing else can read it, and who may come in.

What it owns: schema ``identity``. The vault keeps name, ID number, phone and e-mail under
envelope encryption and answers equality without decrypting; ``codes`` sends and checks one-time
codes and remembers proofs; ``accounts`` keeps where somebody is paid to; ``access`` has staff,
one-time links, sessions and keys of machines.
It knows no customer or line: a ``subject`` is an id.

Invariants
----------
- Personal data is in the vault and nowhere else: no journal row, log, URL or error carries it.
- A record opens only with the master key and only as the person it was sealed for.
- Codes, passwords, links, sessions and keys are stored as hashes.
- A wrong code is counted even when two are tried at once.
"""

from whiteslip.identity.codes import record_verification
from whiteslip.identity.model import Person, Ticks
from whiteslip.identity.vault import (
    Vault,
    change_contact,
    compare,
    contact_changed_at,
    enrol,
    enrol_many,
    find,
    peek,
    reveal,
)

__all__ = [
    "Person",
    "Ticks",
    "Vault",
    "change_contact",
    "compare",
    "contact_changed_at",
    "enrol",
    "enrol_many",
    "find",
    "peek",
    "record_verification",
    "reveal",
]
