"""Schema words as people say them: labels of fields, symbols of enums, the outcomes a person chooses from.

Labels come from the schema's own `doc`; what is said better than a symbol says itself is in `symbol_list`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from connectors.http.pages.field_list import FIELDS, READ, Named
from connectors.http.pages.symbol_list import CATEGORIES, SYMBOLS
from connectors.http.values import AckOutcome, NoteCode

LONGEST_LABEL = 85  # characters
_FIRST = re.compile(r"^(.*?)(?:[.;:]\s|[.]$|$)(.*)$", re.DOTALL)
_QUESTION = re.compile(r"^([^?]*\?)\s*(.*)$", re.DOTALL)
# For programs, not for people.
_ASIDE = re.compile(r",? (?:coded|local date|HH:MM|the (?:gravest|most frequent|main one) first)(?=[,.;]|$)")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z])(?=[0-9])")
_CODED = frozenset({  # their symbols begin with the code of a national return
    "AbsenceCode", "AbuseCategory", "AssessmentFactor", "ExclusionKind", "IntelligenceHandling", "PrimaryNeed",
    "SenType", "SensitiveSpecialty", "SuspensionReason", "TreatmentFunction",
})  # fmt: skip
_CODE = re.compile(r"^[A-Z]{1,4}[0-9]{0,3}[A-Z]?_(?=[A-Z])")
_ACRONYMS: Mapping[str, str] = {
    "bcu": "BCU", "brag": "BRAG", "cctv": "CCTV", "cin": "CIN", "cpp": "CPP", "ed": "emergency department",
    "gp": "GP", "idva": "IDVA", "la": "LA", "lado": "LADO", "mappa": "MAPPA", "marac": "MARAC", "nhs": "NHS",
    "ods": "ODS", "gss": "GSS", "urn": "URN", "upn": "UPN", "hv": "health visitor", "dash": "DASH", "mash": "MASH",
    "nrm": "NRM", "idvas": "IDVAs", "s20": "section 20", "ehc": "EHC", "sen": "SEN", "childs": "child's",
    "parents": "parent's", "perpetrators": "perpetrator's", "victims": "victim's", "childrens": "children's",
    "cse": "child sexual exploitation", "cce": "child criminal exploitation", "ukprn": "UKPRN", "rsh": "RSH number",
    "masa": "agency id", "laestab": "LAESTAB", "yro": "youth rehabilitation order", "send": "SEND", "ssg": "SSG",
}  # fmt: skip


class Choice(NamedTuple):
    """One radio button."""

    value: str
    label: str
    hint: str = ""


# What a person may answer (D-02), the plain ones first; what follows from each said in a line.
ANSWERS: Mapping[AckOutcome, Choice] = {
    "NOTED": Choice("NOTED", "Noted", "We have read it and know what to look out for"),
    "ACTION_TAKEN": Choice("ACTION_TAKEN", "We have acted on it", "For example, we talked to the child or family"),
    "REFERRED_ON": Choice("REFERRED_ON", "We have passed it on", "To the service that must act"),
    "ASK_MORE": Choice("ASK_MORE", "We need to know more", "The sender is told that you ask"),
    "NOT_OUR_CHILD": Choice("NOT_OUR_CHILD", "Not our child", "It reached the wrong place"),
    "CANNOT_IDENTIFY": Choice("CANNOT_IDENTIFY", "We cannot tell which child this is", "There is too little to go on"),
    "DUPLICATE": Choice("DUPLICATE", "We have had this before", "You have answered the same message already"),
}  # fmt: skip
NOTES: Mapping[NoteCode, Choice] = {
    "CALL_US": Choice("CALL_US", "Please ring us"),
    "MORE_DETAIL": Choice("MORE_DETAIL", "Please send more detail"),
    "MOVED_AWAY": Choice("MOVED_AWAY", "The child was here and has left"),
    "NEVER_HERE": Choice("NEVER_HERE", "The child was never here"),
    "WRONG_ROLE": Choice("WRONG_ROLE", "The child is here, but somebody else in our organisation deals with this"),
}
NOTES_FOR: Mapping[AckOutcome, tuple[NoteCode, ...]] = {
    "NOT_OUR_CHILD": ("NEVER_HERE", "MOVED_AWAY", "WRONG_ROLE"),
    "ASK_MORE": ("CALL_US", "MORE_DETAIL"),
}


def sentence(words: str) -> str:
    """With a capital first."""
    return words[:1].upper() + words[1:]


def symbol_words(enum: str, symbol: str) -> str:
    """A symbol of an enum. `enum` is the enum's name without its namespace."""
    if enum == "AgencyCategory" and symbol in CATEGORIES:
        return sentence(CATEGORIES[symbol])
    if (enum, symbol) in SYMBOLS:
        return SYMBOLS[enum, symbol]
    if symbol == "UNKNOWN":
        return "Unknown"
    plain = _CODE.sub("", symbol, count=1) if enum in _CODED else symbol
    code = symbol[: len(symbol) - len(plain)].rstrip("_")
    words = " ".join(_ACRONYMS.get(word, word) for word in plain.lower().split("_"))
    return sentence(words) + (f" ({code.removeprefix('F') if enum == 'AssessmentFactor' else code})" if code else "")


def name_words(name: str) -> str:
    """`day6ProvisionArranged` as `Day 6 provision arranged`."""
    return sentence(" ".join(_ACRONYMS.get(word, word) for word in _HUMP.sub(" ", name).lower().split()))


def reading_words(path: str, doc: str) -> str:
    """Label of a field on a page that shows what was received."""
    return READ.get(path) or field_words(path, doc).label


def field_words(path: str, doc: str) -> Named:
    """Label and hint of a field to fill in, from its place in the schema and its `doc`."""
    if path in FIELDS:
        return FIELDS[path]
    text = _ASIDE.sub("", doc.replace("`", "").replace("e.g. ", "for example ").strip())
    found = (_QUESTION if "?" in text.split(". ")[0] else _FIRST).match(text)
    label, rest = (found[1].strip(), found[2].strip()) if found else ("", "")
    if not label or len(label) > LONGEST_LABEL or label.startswith("True when"):
        return Named(name_words(path.rsplit(".", 1)[-1]), text)
    return Named(sentence(label), sentence(rest))
