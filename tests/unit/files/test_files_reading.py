"""Records of files with the exact bytes they came from."""

from __future__ import annotations

import json
from io import BytesIO

import pytest

from connectors.files.read_csv import CsvReader
from connectors.files.read_json import JsonReader, NdjsonReader
from connectors.files.read_xml import XmlReader
from connectors.files.records import FileInvalid, Reader, Row, Unreadable


def csv_reader(data: bytes, **more: object) -> CsvReader:
    given = {"encoding": "utf-8", "delimiter": ","} | more
    return CsvReader(BytesIO(data), ("A", "B"), **given)  # type: ignore[arg-type]


def texts(reader: Reader) -> list[list[str] | str]:
    return [found.texts if isinstance(found, Row) else found.message for found in reader.records()]


def test_rows_keep_their_bytes_and_their_lines() -> None:
    """Texts with line breaks span lines; head and raw bytes put together are the file."""
    data = b'\xef\xbb\xbf b ,A\r\n1,"two\r\nlines"\r\n\r\n3, 4 \r\n'
    reader = csv_reader(data)
    rows = [found for found in reader.records() if isinstance(found, Row)]
    assert [(row.number, row.line, row.texts) for row in rows] == [(1, 2, ["two\r\nlines", "1"]), (2, 5, ["4", "3"])]
    assert reader.head + rows[0].raw + b"\r\n" + rows[1].raw == data


def test_reading_goes_on_from_any_row() -> None:
    """A reader started at another's position gives the rest."""
    data = b"A,B\n" + b"".join(b'%d,"x\n%d"\n' % (i, i) for i in range(5))
    whole = list(csv_reader(data).records())
    for count in range(6):
        reader = csv_reader(data)
        records = reader.records()
        for _ in range(count):
            next(records)
        assert list(csv_reader(data, start=reader.position).records()) == whole[count:]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"A,B\n1,2,3\n4,5\n", ["has 3 columns", ["4", "5"]]),
        (b"A,B\n1\n4,5\n", ["has 1 columns", ["4", "5"]]),
        (b"A,B\n\xff,2\n4,5\n", ["is not utf-8", ["4", "5"]]),
        (b'A,B\n1,2\n3,"4\n5,6\n', [["1", "2"], "has a quotation mark that is not closed"]),
        (b'A,B\n1,"2"x\n4,5\n', ["is not well-formed CSV", ["4", "5"]]),
        (b"A,B\n", []),
    ],
)
def test_a_broken_row_spoils_no_other(data: bytes, expected: list[object]) -> None:
    """Each broken row is one record that cannot be read; the next one can."""
    assert texts(csv_reader(data)) == expected


@pytest.mark.parametrize(
    ("data", "message", "column"),
    [
        (b"", "is empty", ""),
        (b"A\n1\n", "has no column `B`", "B"),
        (b"A,B,A\n1,2,3\n", "stands twice in the header", "A"),
        (b"A;B\n1;2\n", "has no column `A`, `B`", "A"),
    ],
)
def test_a_file_that_lacks_columns_is_refused_as_a_whole(data: bytes, message: str, column: str) -> None:
    """Nobody guesses what a column that is not there might have said."""
    with pytest.raises(FileInvalid) as caught:
        csv_reader(data)
    assert (caught.value.message, caught.value.column) == (message, column)


def test_columns_that_nobody_named_are_told() -> None:
    """A supplier's new column is found by the first file that has it; an ignored or an optional one is not told."""
    reader = csv_reader(b"A,New,C\n1,2,3\n", optional=("B",), ignored=("C",))
    assert reader.unknown == ("New",)
    assert texts(reader) == [["1", ""]]


def test_objects_a_line_are_read_by_path() -> None:
    """Numbers, truth and lists become texts; what is not there is empty; a broken line spoils no other."""
    lines = [{"a": {"b": 1}, "c": [True, "x"]}, "no object", {"c": None}, {"a": {"b": {}}}]
    data = b"\n".join(json.dumps(line).encode() for line in lines) + b"\n{\n" + b'{"a":1,"a":2}\n'
    reader = NdjsonReader(BytesIO(data), ("a.b", "c"))
    assert texts(reader) == [
        ["1", "true\x1ex"],
        "is not an object",
        ["", ""],
        "has an object where a value is expected",
        "is not JSON (from character 1)",
        "has an object with a repeated key",
    ]


@pytest.mark.parametrize(
    ("document", "path"), [('[{"a":1},\n {"a":2}]', None), ('{"x":[1],"y":{"z":[{"a":1},{"a":2}]}}', "y.z")]
)
def test_an_array_of_objects_can_stand_anywhere_in_a_document(document: str, path: str | None) -> None:
    """Head, records and tail put together are a document that can be read again."""
    reader = JsonReader(BytesIO(document.encode()), ("a",), records=path)
    rows = [found for found in reader.records() if isinstance(found, Row)]
    assert [row.texts for row in rows] == [["1"], ["2"]]
    again = reader.head + rows[1].raw + reader.tail
    assert texts(JsonReader(BytesIO(again), ("a",), records=path)) == [["2"]]
    assert texts(JsonReader(BytesIO(document.encode()), ("a",), records=path, start=reader.position)) == []


def test_an_array_that_breaks_off_loses_its_end_only() -> None:
    """What comes before is read; the rest is one record that cannot be."""
    found = list(JsonReader(BytesIO(b'[{"a":1},{"a":'), ("a",), records=None).records())
    assert isinstance(found[0], Row)
    assert isinstance(found[1], Unreadable)
    assert found[1].raw == b'{"a":'


XML = b"""<?xml version="1.0"?>
<r:Root xmlns:r="urn:x"><Head><Code>7</Code></Head><Items>
<Item><A>1 &amp; 1</A><S><B>x</B></S><S><B>y</B></S></Item >
<Item><A/></Item>
</Items></r:Root>
"""


def xml_reader(data: bytes, **more: object) -> XmlReader:
    sources = ("/Root/Head/Code", "A", "S/B", "S[last]/B", "S[all]/B")
    return XmlReader(BytesIO(data), sources, records="/Root/Items/Item", **more)  # type: ignore[arg-type]


def test_elements_are_read_by_path_with_what_stands_before_them() -> None:
    """The first of several by default, the last or all when asked for; head, records and tail make a document again."""
    reader = xml_reader(XML)
    rows = [found for found in reader.records() if isinstance(found, Row)]
    assert [row.texts for row in rows] == [["7", "1 & 1", "x", "y", "x\x1ey"], ["7", "", "", "", ""]]
    assert [row.line for row in rows] == [3, 4]
    assert rows[0].raw.endswith(b"</Item >")
    assert texts(xml_reader(reader.head + rows[1].raw + reader.tail)) == [rows[1].texts]
    assert texts(xml_reader(XML, start=reader.position)) == []


def test_a_document_that_breaks_off_loses_its_end_only() -> None:
    """Whole elements before the break are read."""
    found = list(xml_reader(XML[: XML.index(b"<A/>")]).records())
    assert isinstance(found[0], Row)
    assert isinstance(found[1], Unreadable)
    assert len(found) == 2


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE Root [<!ENTITY a "x">]><Root><Items><Item><A>&a;</A></Item></Items></Root>',
        b'<!DOCTYPE Root SYSTEM "file:///etc/passwd"><Root><Items><Item/></Items></Root>',
        b'<!DOCTYPE Root [<!ENTITY % a SYSTEM "http://127.0.0.1/x"> %a;]><Root/>',
        b"<Root>" + b"<a>" * 100,
        b"not XML",
    ],
)
def test_a_document_that_could_do_harm_is_refused(data: bytes) -> None:
    """No entity, no external file, no endless nesting (OWASP, XML external entities)."""
    with pytest.raises(FileInvalid):
        xml_reader(data)
