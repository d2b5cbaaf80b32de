"""Fields of a mapping compiled: how the texts of a record become one leaf of an event.

A `LeafPlan` reads a leaf's value (`read`, which raises Wrong) and its Avro bytes (`quick`, which raises anything when
in doubt). Values that are not about a person are remembered, since the same few come again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

from connectors.files import times, values
from connectors.files.conditions import compiled
from connectors.files.mapping import FieldSpec, FileAgency, MappingProblem
from connectors.files.values import Convert, Memo, Wrong
from schemas.field_classes import TAGS, Leaf, NamedTypes, Schema, kind_of, without_null
from schemas.leaf_bytes import NULL, Encode, leaf_encoder
from schemas.registry import EventType

NOTHING = b""  # no encoding is empty: this says that a leaf which may not be null has no value
_PERSONAL = frozenset({"IDENTITY", "NARRATIVE", "CONTACT", "THIRD_PARTY"})

Texts = Sequence[str]
Key = tuple[str | int, ...]


class Context(NamedTuple):
    """What compiling a mapping's fields needs to know."""

    place: Mapping[str, int]  # column -> where its text stands
    zone: times.Zone
    agency: FileAgency
    names: NamedTypes
    problems: list[MappingProblem]  # is added to


@dataclass(frozen=True, slots=True)
class LeafPlan:
    """One leaf. `constant`: its value depends on no column (and is then `fixed`)."""

    path: str
    nullable: bool
    constant: bool
    fixed: Any
    columns: tuple[str, ...]
    read: Callable[[Texts], Any] = field(repr=False)
    quick: Callable[[Texts], bytes] = field(repr=False)
    direct: tuple[int, Memo] | None = field(default=None, repr=False)  # `quick` of one column, which is remembered


def leaf_plan(each: Schema, path: str, spec: FieldSpec | None, key: Key, context: Context) -> LeafPlan:
    """Compile one leaf; what is wrong with its spec is added to the context's problems."""
    inner, nullable = without_null(each["type"])
    node = context.names.resolve(inner)
    encode = leaf_encoder(each["type"], context.names)
    if spec is None or spec.is_constant:
        return _constant(node, path, nullable, spec, key, context, encode)
    convert = _converter(node, spec, key, context)
    take = _taker(spec, context)
    default = None if spec.default is None else _fixed(node, spec.default, (*key, "default"), context)

    def value_of(text: str) -> Any:
        found = convert(text) if text else None
        if found is None:
            found = default
        if found is None and spec.required:
            raise Wrong("is empty", "a value: the mapping requires it")
        return found

    nothing = NULL if nullable else NOTHING

    def bytes_of(text: str) -> bytes:
        found = value_of(text)
        return nothing if found is None else encode(found)

    # An identifier, a name or a note is a person's own and comes once; the rest is a few words and days over and over.
    if kind_of(node) == "string" and not _PERSONAL.isdisjoint(each.get(TAGS, ())):
        plain = spec.codes is None and spec.default is None and not (spec.remove or spec.upper or spec.required)
        encoded = _plain_text(nothing, encode) if plain else bytes_of
        return LeafPlan(
            path, nullable, False, None, spec.from_,
            read=lambda texts: value_of(take(texts)),
            quick=lambda texts: encoded(take(texts)),
        )  # fmt: skip
    memo = Memo(bytes_of)
    single = len(spec.from_) == 1 and spec.when is None
    return LeafPlan(
        path, nullable, False, None, spec.from_,
        read=lambda texts: value_of(take(texts)),
        quick=lambda texts: memo[take(texts)],
        direct=(context.place[spec.from_[0]], memo) if single else None,
    )  # fmt: skip


def _plain_text(nothing: bytes, encode: Encode) -> Callable[[str], bytes]:
    """A text as it stands; readers have taken off the white space around it."""
    return lambda text: encode(text) if text else nothing


def _taker(spec: FieldSpec, context: Context) -> Callable[[Texts], str]:
    """The one text that a spec is about: of its columns, joined, or nothing when its condition does not hold."""
    places = [context.place[column] for column in spec.from_]
    if spec.when is None and len(places) == 1:
        return itemgetter(places[0])
    if spec.when is None and len(places) == 2:
        first, second = places
        between = spec.join
        return lambda texts: (
            texts[first] + between + texts[second]
            if texts[first] and texts[second]
            else (texts[first] or texts[second])
        )
    holds = compiled(spec.when, context.place)
    join = spec.join

    def take(texts: Texts) -> str:
        if not holds(texts):
            return ""
        return join.join([text for place in places if (text := texts[place])])

    return take


def _constant(
    node: Any, path: str, nullable: bool, spec: FieldSpec | None, key: Key, context: Context, encode: Encode
) -> LeafPlan:
    value = None
    if spec is not None and spec.agency is not None:
        value = {"name": context.agency.name, "contact": context.agency.contact, "phone": context.agency.phone}[
            spec.agency
        ]
    elif spec is not None:
        value = _fixed(node, spec.const, (*key, "const"), context) if spec.const is not None else None
    if value is None and not nullable:
        message = f"`{path}` is not mapped, and is never empty"
        context.problems.append(MappingProblem(key, message, "give it a `const`, or a column with `from`"))
        return LeafPlan(path, nullable, True, None, (), read=lambda texts: None, quick=lambda texts: NOTHING)
    data = encode(value)
    return LeafPlan(path, nullable, True, value, (), read=lambda texts: value, quick=lambda texts: data)


def _fixed(node: Any, value: Any, key: Key, context: Context) -> Any:
    """The datum value of a constant in JSON form; None, with a problem noted, when it does not fit."""
    try:
        return _as_datum(node, value, context)
    except Wrong as wrong:
        context.problems.append(MappingProblem(key, wrong.message, wrong.expected))
        return None


def _as_datum(node: Any, value: Any, context: Context) -> Any:
    kind = kind_of(node)
    logical = node.get("logicalType") if isinstance(node, dict) else None
    if kind == "array":
        item = context.names.resolve(without_null(node["items"])[0])
        return [_as_datum(item, each, context) for each in (value if isinstance(value, list) else [value])]
    if kind == "enum" and isinstance(value, str):
        return _written_right(values.symbol(node["symbols"]), value)
    if logical == "date" and isinstance(value, str):
        return times.day_reader(("%Y-%m-%d",))(value)
    wanted = {"string": str, "boolean": bool, "int": int, "long": int}.get(kind)
    if wanted is None or type(value) is not wanted:
        raise Wrong("does not fit the field", {"enum": "a word", "string": "text in quotes"}.get(kind, f"a {kind}"))
    return value


def _written_right(right: Convert, word: str) -> str:
    """A word of the contract, which a mapping must write exactly as the contract does."""
    found: str = right(word)
    if found != word:
        raise Wrong("is not written as in the contract", f"`{found}`")
    return found


def _converter(node: Any, spec: FieldSpec, key: Key, context: Context) -> Convert:
    kind = kind_of(node)
    logical = node.get("logicalType") if isinstance(node, dict) else None
    if kind == "array":
        item = context.names.resolve(without_null(node["items"])[0])
        return values.listed(spec.split, _converter(item, spec, key, context))
    if spec.codes is not None:
        return _coded(node, spec, key, context)
    if kind == "enum":
        return values.symbol(node["symbols"])
    if kind == "boolean":
        return _truth(spec, key, context)
    if logical == "date":
        return _timed(spec, key, context, instant=False)
    if logical == "timestamp-millis":
        return _timed(spec, key, context, instant=True)
    if kind in ("int", "long"):
        return values.whole_number
    return values.cleaned(spec.remove, spec.upper)


def _coded(node: Any, spec: FieldSpec, key: Key, context: Context) -> Convert:
    """Codes lead to words of the enum, or to texts; a word that does not exist is a problem of the mapping."""
    assert spec.codes is not None  # noqa: S101 - the caller has looked
    if kind_of(node) == "enum":
        right = values.symbol(node["symbols"])
        given = [((*key, "codes", text), word) for text, word in spec.codes.items()]
        for where, word in [*given, ((*key, "otherwise"), spec.otherwise)]:
            try:
                if word is not None:
                    _written_right(right, word)
            except Wrong as wrong:
                context.problems.append(MappingProblem(where, f"`{word}` {wrong.message}", wrong.expected))
    elif kind_of(node) != "string":
        context.problems.append(MappingProblem((*key, "codes"), "codes are for words and texts only", None))
    return values.coded(spec.codes, spec.otherwise)


def _truth(spec: FieldSpec, key: Key, context: Context) -> Convert:
    if not (spec.yes and spec.no):
        context.problems.append(
            MappingProblem(key, "says neither what is true nor what is false", "give `yes` and `no`")
        )
    return values.truth(spec.yes, spec.no)


def _timed(spec: FieldSpec, key: Key, context: Context, *, instant: bool) -> Convert:
    word = "instant" if instant else "day"
    forms = spec.instant if instant else spec.day
    if not forms:
        context.problems.append(MappingProblem(key, "is a time, and its form is not given", f'`{word}: "%d/%m/%Y"`'))
    sound = []
    for form in forms:
        problem = times.form_problem(form, instant=instant)
        if problem is None:
            sound.append(form)
        else:
            context.problems.append(MappingProblem((*key, word), f"`{form}` {problem}", None))
    return times.instant_reader(sound, context.zone) if instant else times.day_reader(sound)


def set_leaves(
    event_type: EventType, fixed: Mapping[str, Any], made: Mapping[str, Callable[[Texts], Any]]
) -> dict[str, LeafPlan]:
    """Plans of leaves that are `fixed`, or `made` from what the importer adds to a record's texts."""
    names = NamedTypes()
    names.remember(event_type.schema)
    plans = {}
    for path, value in fixed.items():
        leaf = event_type.leaf_by_path[path]
        data = _leaf_encode(leaf, names)(value)
        plans[path] = LeafPlan(path, leaf.nullable, True, value, (), _always(value), _always(data))
    for path, make in made.items():
        leaf = event_type.leaf_by_path[path]
        plans[path] = LeafPlan(path, leaf.nullable, False, None, (), make, _then(make, _leaf_encode(leaf, names)))
    return plans


def _leaf_encode(leaf: Leaf, names: NamedTypes) -> Encode:
    return leaf_encoder(["null", leaf.node] if leaf.nullable else leaf.node, names)


def _always(value: Any) -> Callable[[Texts], Any]:
    return lambda texts: value


def _then(make: Callable[[Texts], Any], encode: Encode) -> Callable[[Texts], bytes]:
    return lambda texts: encode(make(texts))
