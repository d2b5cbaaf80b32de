"""XML: the repeated element of a document, with the exact bytes of each.

Documents with a DOCTYPE or entities of their own are refused: no mapping needs them, and they can make a parser read
other files or fill the memory (OWASP, XML external entities).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler

from defusedxml import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from connectors.files.records import MAX_RECORD_BYTES, MAX_WHOLE_FILE_BYTES, FileInvalid, Position, Row, Unreadable
from connectors.files.values import SEVERAL

_CHUNK = 1 << 16
_MAX_DEPTH = 64


class XmlReader:
    """Records are the elements at `records`, a path from the root such as `/CTfile/CTFpupilData/Pupil`.

    A source is a path below the record, or from the root when it starts with `/` (only what stands before the first
    record is known then). `[last]` takes the last of several elements, `[all]` all of them, otherwise the first.
    """

    unknown: tuple[str, ...] = ()
    between = b"\n"

    def __init__(self, file: BinaryIO, sources: Sequence[str], *, records: str, start: Position | None = None) -> None:
        self._data = file.read(MAX_WHOLE_FILE_BYTES + 1)
        if len(self._data) > MAX_WHOLE_FILE_BYTES:
            raise FileInvalid("is too large", f"at most {MAX_WHOLE_FILE_BYTES >> 20} MB")
        self._paths = [_Path.of(source) for source in sources]
        self._handler = _Handler(tuple(records.strip("/").split("/")))
        self.position = start or Position(0, 1, 0)
        self.head, self.tail = b"", b""
        self._found = self._parsed()
        spans = [(each.begin, each.end) for each in self._found if isinstance(each, _Element)]
        if spans:
            self.head, self.tail = self._data[: spans[0][0]], self._data[spans[-1][1] :]

    def records(self) -> Iterator[Row | Unreadable]:
        """Every record; what follows where the document is broken is one record that cannot be read."""
        for number, found in enumerate(self._found, 1):
            if number <= self.position.records:
                continue
            if isinstance(found, _Broken):
                self.position = Position(len(self._data), found.line, number)
                yield Unreadable(number, found.line, self._data[found.begin :], found.message, "well-formed XML")
                return
            raw = self._data[found.begin : found.end]
            self.position = Position(found.end, found.line, number)
            if len(raw) > MAX_RECORD_BYTES:
                yield Unreadable(number, found.line, raw, "is too large", f"at most {MAX_RECORD_BYTES} bytes")
            else:
                texts = [path.text(found.tree, self._handler.root) for path in self._paths]
                yield Row(number, found.line, raw, texts)

    def _parsed(self) -> list[_Element | _Broken]:
        handler, parser = self._handler, _Parser()
        parser.setContentHandler(handler)
        handler.parser = parser
        end = 0
        try:
            for start in range(0, len(self._data), _CHUNK):
                parser.feed(self._data[start : start + _CHUNK])
            parser.close()
        except DefusedXmlException:
            raise FileInvalid("has a DOCTYPE or entities of its own", "XML without them") from None
        except (SAXParseException, _TooDeep) as error:
            line = error.getLineNumber() if isinstance(error, SAXParseException) else 0
            if not handler.found:
                raise FileInvalid("is not well-formed XML", "one document", line=line or 0) from None
            end = self._end_of(handler.found[-1])
            broken = _Broken(end, handler.found[-1].line, f"is not well-formed XML (noticed at line {line or '?'})")
            return [*self._closed(handler.found), broken]
        return list(self._closed(handler.found))

    def _closed(self, elements: Sequence[_Element]) -> Iterator[_Element]:
        for element in elements:
            yield element._replace(end=self._end_of(element))

    def _end_of(self, element: _Element) -> int:
        """After the closing tag; the parser tells where that starts (of `<a/>`, where the element itself does)."""
        return self._data.index(b">", element.end) + 1


class _TooDeep(Exception):  # noqa: N818
    pass


class _Tree:
    """An element as far as a mapping can ask for it."""

    __slots__ = ("children", "name", "text")

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = ""
        self.children: list[_Tree] = []


class _Element(NamedTuple):
    tree: _Tree
    line: int
    begin: int
    end: int


class _Broken(NamedTuple):
    begin: int
    line: int
    message: str


class _Parser(DefusedExpatParser):  # type: ignore[misc]
    """Tells offsets in bytes, which SAX has no word for."""

    def __init__(self) -> None:
        super().__init__(forbid_dtd=True, forbid_entities=True, forbid_external=True)

    @property
    def offset(self) -> int:
        return int(self._parser.CurrentByteIndex)


class _Handler(ContentHandler):
    """Builds trees: of each record, and of everything before the first."""

    def __init__(self, records: tuple[str, ...]) -> None:
        super().__init__()
        self.parser: Any = None
        self.root = _Tree("")
        self.found: list[_Element] = []
        self._records = records
        self._stack: list[_Tree] = [self.root]
        self._begin = (0, 0)

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802 - SAX's name
        del attrs
        if len(self._stack) > _MAX_DEPTH:
            raise _TooDeep
        tree = _Tree(name.rpartition(":")[2])
        if self._is_record(tree):
            self._begin = (self.parser.getLineNumber(), self.parser.offset)
        elif len(self._stack) <= len(self._records) and self.found:
            pass  # after the first record, what is not a record is not asked for
        else:
            self._stack[-1].children.append(tree)
        self._stack.append(tree)

    def endElement(self, name: str) -> None:  # noqa: N802 - SAX's name
        del name
        tree = self._stack.pop()
        tree.text = tree.text.strip()
        if self._is_record(tree):
            line, begin = self._begin
            self.found.append(_Element(tree, line, begin, self.parser.offset))

    def characters(self, content: str) -> None:
        self._stack[-1].text += content

    def _is_record(self, tree: _Tree) -> bool:
        if len(self._stack) != len(self._records):
            return False
        return tuple(each.name for each in self._stack[1:]) == self._records[:-1] and tree.name == self._records[-1]


class _Path(NamedTuple):
    absolute: bool
    steps: tuple[tuple[str, str], ...]  # name, and which of several: first, last or all

    @classmethod
    def of(cls, source: str) -> _Path:
        steps = []
        for part in source.strip("/").split("/"):
            name, _, which = part.partition("[")
            steps.append((name, which.removesuffix("]") or "first"))
        return cls(source.startswith("/"), tuple(steps))

    def text(self, record: _Tree, root: _Tree) -> str:
        found = [root if self.absolute else record]
        for name, which in self.steps:
            found = [child for tree in found for child in _chosen(tree, name, which)]
        return SEVERAL.join(tree.text for tree in found)


def _chosen(tree: _Tree, name: str, which: str) -> list[_Tree]:
    found = [child for child in tree.children if child.name == name]
    return found if which == "all" else found[-1:] if which == "last" else found[:1]
