"""The local issuer's one page: choose who you are."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from connectors.http.issuer import DemoAgency, people_of

STYLE = """
body { font: 1.1rem/1.5 system-ui, sans-serif; color: #0b0c0c; max-width: 46rem; margin: 0 auto; padding: 1rem; }
.warning { border-left: .4rem solid #d4351c; padding: .5rem 1rem; background: #fff4f2; }
details { border-bottom: 1px solid #b1b4b6; padding: .5rem 0; }
summary { cursor: pointer; }
summary:focus-visible, button:focus-visible { outline: 3px solid #0b0c0c; outline-offset: 2px; background: #fd0; }
button { display: block; width: 100%; min-height: 2.75rem; margin: .4rem 0; padding: .4rem .8rem; text-align: left;
  font: inherit; color: #0b0c0c; background: #f3f2f1; border: 1px solid #505a5f; cursor: pointer; }
button:hover { background: #dbdad9; }
"""


def choose_page(agencies: Sequence[DemoAgency], choice: str, *, wanted: str = "") -> str:
    """Everybody of the area by agency, each a button. Works without JavaScript. `wanted` is an agency to open."""
    blocks = "\n".join(_agency(agency, opened=agency.id == wanted) for agency in sorted(agencies, key=_by_name))
    return _page(
        "Choose who you are",
        '<form method="post" action="/authorize">'
        f'<input type="hidden" name="choice" value="{escape(choice)}">\n{blocks}\n</form>',
    )


def message_page(title: str, text: str) -> str:
    """A page that says one thing."""
    return _page(title, f"<p>{escape(text)}</p>")


def _by_name(agency: DemoAgency) -> str:
    return agency.name


def _agency(agency: DemoAgency, *, opened: bool) -> str:
    buttons = "\n".join(
        f'<button name="person" value="{escape(person.subject)}">{escape(agency.roles[person.role])} '
        f"({escape(person.subject)})</button>"
        for person in people_of([agency])
    )
    state = " open" if opened else ""
    return f"<details{state}><summary>{escape(agency.name)}</summary>\n{buttons}\n</details>"


def _page(title: str, content: str) -> str:
    return f"""<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} - MASA Exchange on this machine</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<h1>{escape(title)}</h1>
<p class="warning">This is a sign-in for one machine, without passwords. Everybody here is fictional. A real exchange
uses the agencies' own sign-in.</p>
{content}
</main>
</body>
</html>
"""
