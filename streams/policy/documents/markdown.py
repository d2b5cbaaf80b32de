"""Markdown from values: what an area file says appears as it was written, and can never act as markup.

Blocks end in a blank line and are joined as they are. A table's caption is the paragraph before it; `page.py` makes a
`<caption>` of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

CAPTION = "Table: "

_SPECIAL = re.compile(r"[\\`*_\[\]<>|&]")
_AT_START = re.compile(r"^(\d+(?=[.)])|(?=[-+#=~]))")
_SECTION = re.compile(r"s\d")
_SPACE = re.compile(r"[\s\x00-\x1f\x7f]+")


def text(value: str) -> str:
    """Free text on one line, every character literal."""
    flat = _SPACE.sub(" ", value).strip()
    escaped = _SPECIAL.sub(lambda found: "\\" + found[0], flat)
    return _AT_START.sub(r"\1\\", escaped)  # `- a`, `# a` and `1. a` would begin a list or a heading


def sentence(value: str) -> str:
    """`text` with a capital first letter (but `s47` stays) and a full stop; nothing of nothing."""
    flat = value.strip()
    if not flat:
        return ""
    first = flat[0] if _SECTION.match(flat) else flat[0].upper()
    return text(first + flat[1:] + ("" if flat.endswith((".", "?", "!")) else "."))


def code(identifier: str) -> str:
    """An identifier (letters, digits, `-`, `.`, `:`), never free text."""
    return f"`{identifier}`"


def strong(markup: str) -> str:
    return f"**{markup}**"


def heading(level: int, markup: str) -> str:
    return f"{'#' * level} {markup}\n\n"


def paragraph(*markup: str) -> str:
    """Sentences of one paragraph; empty ones are left out, and nothing is written when all are."""
    kept = [part for part in markup if part]
    return " ".join(kept) + "\n\n" if kept else ""


def bullets(items: Iterable[str]) -> str:
    lines = [f"- {item}\n" for item in items]
    return "".join(lines) + "\n" if lines else ""


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A captioned table whose first column names its rows; nothing when it has no rows."""
    body = [_row(row) for row in rows]
    if not body:
        return ""
    return f"*{CAPTION}{caption}*\n\n{_row(head)}{_row(['---'] * len(head))}{''.join(body)}\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def capital(markup: str) -> str:
    return markup[:1].upper() + markup[1:]


def listed(words: Iterable[str], joint: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`; empty for nothing."""
    all_words = list(words)
    if len(all_words) < 2:
        return "".join(all_words)
    return f"{', '.join(all_words[:-1])} {joint} {all_words[-1]}"
