"""One self-contained, accessible HTML page from one Markdown document of ours.

Raw HTML in the Markdown is not let through, and the page's own policy lets a browser load nothing at all: no script,
image, font or frame, wherever a text may come from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from streams.policy.documents.markdown import CAPTION
from streams.policy.documents.style import STYLE

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")


class Entry(NamedTuple):
    """A heading in the list of contents."""

    level: int
    anchor: str
    words: str


def page(markdown: str) -> str:
    """The page. Its title is the first heading; headings of levels 2 and 3 make the list of contents."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = _with_captions(parser.parse(markdown))
    entries = _anchored(tokens)
    _with_row_headers(tokens)
    body = parser.renderer.render(tokens, parser.options, {})
    title = next((entry.words for entry in entries if entry.level == 1), "")
    opening, first, rest = body.partition("<h2 ")
    return _PAGE.format(
        title=escape(title),
        policy=_POLICY,
        style=STYLE,
        opening=opening,
        contents=_contents(entries),
        rest=first + rest,
    )


def _with_captions(tokens: Sequence[Token]) -> list[Token]:
    """Captions moved into their tables, tables into a box that scrolls and can be reached by keyboard."""
    out: list[Token] = []
    number = 0
    for token in tokens:
        if token.type == "table_open" and len(out) >= 3 and _is_caption(out[-2]):
            number += 1
            inline = out[-2]
            del out[-3:]
            inline.content = inline.content.strip("*").removeprefix(CAPTION)
            inline.children = [child for child in inline.children or [] if child.type not in ("em_open", "em_close")]
            inline.children[0].content = inline.children[0].content.removeprefix(CAPTION)
            box = {"class": "scroll", "role": "region", "tabindex": "0", "aria-labelledby": f"table-{number}"}
            out += [
                Token("box_open", "div", 1, attrs=dict(box), block=True),
                token,
                Token("caption_open", "caption", 1, attrs={"id": f"table-{number}"}, block=True),
                inline,
                Token("caption_close", "caption", -1, block=True),
            ]
            continue
        out.append(token)
        if token.type == "table_close":
            out.append(Token("box_close", "div", -1, block=True))
    return out


def _is_caption(token: Token) -> bool:
    return token.type == "inline" and token.content.startswith(f"*{CAPTION}")


def _anchored(tokens: Sequence[Token]) -> list[Entry]:
    """Give every heading an id that no other has, and list them."""
    entries: list[Entry] = []
    used: set[str] = set()
    for token, inside in pairwise(tokens):
        if token.type != "heading_open":
            continue
        words = "".join(child.content for child in inside.children or [])
        anchor = base = _NOT_IN_IDS.sub("-", words.lower()).strip("-") or "part"
        count = 1
        while anchor in used:
            count += 1
            anchor = f"{base}-{count}"
        used.add(anchor)
        token.attrSet("id", anchor)
        entries.append(Entry(int(token.tag[1]), anchor, words))
    return entries


def _with_row_headers(tokens: Sequence[Token]) -> None:
    """The first cell of each row names the row; every header says what it is a header of."""
    first = False
    for i, token in enumerate(tokens):
        if token.type == "tr_open":
            first = True
        elif token.type == "th_open":
            token.attrSet("scope", "col")
        elif token.type == "td_open" and first:
            first = False
            token.tag = tokens[i + 2].tag = "th"  # open, inline, close
            token.attrSet("scope", "row")


def _contents(entries: Sequence[Entry]) -> str:
    """Nested lists: parts, and within them sections."""
    lines: list[str] = []
    depth = 1
    for entry in entries:
        if entry.level not in (2, 3):
            continue
        lines.append("</li></ul>" * (depth - entry.level) if entry.level < depth else "")
        lines.append("<ul><li>" if entry.level > depth else "</li><li>")
        lines.append(f'<a href="#{entry.anchor}">{escape(entry.words)}</a>\n')
        depth = entry.level
    lines.append("</li></ul>" * (depth - 1))
    return "".join(lines)


_PAGE = """\
<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the text</a>
<main id="content">
{opening}<nav aria-label="Contents">
<h2 id="contents-of-this-page">Contents</h2>
{contents}</nav>
{rest}</main>
</body>
</html>
"""
