"""Portal: the customer's door.

See the line, pause it, lower it, leave it; read letters; ask for help. A folder per page, with its
handlers, templates and texts. Handlers read a form, call one act in one transaction and show what
came of it; where a customer stands is read from what is stored, so a journey can be broken off
anywhere and taken up again.

Invariants
----------
- Who leaves meets at most four screens, five clicks and three fields, and no question why.
- Drawing is stopped by the customer's own click, also without signing in.
- A page shows two digits of a phone number; no URL carries personal data.
- Without signing in, every answer is the same for people we know and people we do not.
"""

from whiteslip.web.portal.router import routers

__all__ = ["routers"]
