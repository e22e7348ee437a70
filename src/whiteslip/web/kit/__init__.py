"""Kit: the shell every door stands on.

``shell.create_app`` makes the application; ``pages.page`` answers with a page; ``forms`` reads what
people sent, ``bodies`` what machines sent; ``cookies`` holds sessions and anti-forgery tokens;
``problems`` says refusals in words; ``edge`` answers whatever was raised; ``i18n`` speaks both
languages; ``macros.html`` has the components, which ``/kit`` shows in a demonstration.
Read docs/explanation/web.md first.
"""
