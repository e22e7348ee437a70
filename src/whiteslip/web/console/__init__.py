"""Console: the desk's door.

Sign in, take the case whose deadline is nearest, see it whole on one page, choose how the customer
leaves, go on to the next. There is no control to say no. Reviewers and admins choose; analysts and
auditors look. Who looked at a person's data, and why, is in the journal.
"""

from whiteslip.web.console.router import routers

__all__ = ["routers"]
