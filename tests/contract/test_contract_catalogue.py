"""What the catalogue says of each event type, and its examples. Raw files only, see `schema_rules`."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from schemas.vocabulary import AgencyCategory, DpRegime, LegalGateway, Purpose, Urgency
from tests.contract.schema_rules import EVENTS, ROOT, kind, leaves, payload, resolved, without_null, words

CATALOGUE = yaml.safe_load((ROOT / "catalogue.yaml").read_text())["types"]
KEYS = words("title publishers gateways clock urgency maturity purposes regimes requires sensitive basis example")
CLOCKS = words("PT15M PT1H PT4H PT72H 1WD 2WD 5WD 5SD 10SD NEXT_SCHOOL_DAY NONE")
SENSITIVE_CLASSES = words("HEALTH SEXUAL_HEALTH SENSITIVE_SERVICE OFFENCE ADOPTION")  # E-12
WORDS = {"publishers": AgencyCategory, "gateways": LegalGateway, "purposes": Purpose, "regimes": DpRegime}
RELATIVE_TIME = re.compile(r"now([+-]\d{1,4}[mhdwy])?")
SOURCES = {  # the fictional organisations examples are published by: category -> (scheme, code)
    "POLICE": ("GSS", "E23000099"),
    "LA_CSC": ("GSS", "E10000099"),
    "SCHOOL": ("URN", "990001"),
    "NHS_FT": ("ODS", "RZ1"),
    "HV_SN": ("ODS", "RZ2"),
    "GP": ("ODS", "Z99001"),
    "DISTRICT": ("GSS", "E07000099"),
    "PROBATION": ("LOCAL", "NS-PDU"),
    "YOT": ("LOCAL", "NS-YJS"),
    "PRISON": ("PRISON", "ZVI"),
    "IDENTITY_SERVICE": ("LOCAL", "NS-IDS"),
    "SAFEGUARDING_PARTNERSHIP": ("LOCAL", "NS-EXCHANGE"),
    "CONTRACTED_VCS": ("CHARITY", "9999001"),
}


def test_the_catalogue_covers_exactly_the_event_files() -> None:
    """And each entry has exactly the keys that are documented; not every event tells of a relationship."""
    assert set(CATALOGUE) == set(EVENTS)
    for event_type, entry in CATALOGUE.items():
        assert set(entry) - {"relationships"} == KEYS, event_type
        assert entry["title"], event_type
        assert entry["basis"], event_type


@pytest.mark.parametrize("event_type", sorted(EVENTS))
def test_a_catalogue_entry_uses_the_words_of_the_contract(event_type: str) -> None:
    """Categories, gateways, purposes, regimes, urgency, clock and maturity exist, and UNKNOWN is none of them."""
    entry = CATALOGUE[event_type]
    for key, allowed in WORDS.items():
        assert entry[key], key
        assert len(set(entry[key])) == len(entry[key]), key
        assert set(entry[key]) <= set(allowed.__members__) - {"UNKNOWN"}, key
    assert entry["urgency"] in set(Urgency.__members__) - {"UNKNOWN"}
    assert entry["clock"] in CLOCKS
    assert entry["maturity"] in {"alpha", "beta", "release"}


@pytest.mark.parametrize("event_type", sorted(EVENTS))
def test_sensitive_classes_of_a_payload_are_justified_in_the_catalogue(event_type: str) -> None:
    """No special-category field unless the type's purpose needs it, and says why (E-12)."""
    used = {tag for leaf in payload(EVENTS[event_type]) for tag in leaf.tags} & SENSITIVE_CLASSES
    reasons = CATALOGUE[event_type]["sensitive"]
    assert set(reasons) == used
    assert all(len(reason) > 20 for reason in reasons.values())


@pytest.mark.parametrize("event_type", sorted(EVENTS))
def test_every_path_of_a_catalogue_entry_is_in_the_schema(event_type: str) -> None:
    """Required paths are leaves; example paths are leaves or nullable records, and none hides another."""
    paths = {leaf.path for leaf in leaves(EVENTS[event_type])}
    records = {path.rsplit(".", 1)[0] for path in paths if "." in path}
    entry = CATALOGUE[event_type]
    assert set(entry["requires"]) <= paths
    assert set(entry["example"]) <= paths | records
    for path, value in entry["example"].items():
        if path in records:
            assert value is None, path
            assert not [other for other in entry["example"] if other.startswith(path + ".")], path


@pytest.mark.parametrize("event_type", sorted(EVENTS))
def test_an_example_fills_what_is_required_and_speaks_for_every_payload_field(event_type: str) -> None:
    """Somebody decided about each field, if only that it stays empty."""
    entry = CATALOGUE[event_type]
    assert {leaf.path for leaf in payload(EVENTS[event_type])} <= set(entry["example"])
    assert all(entry["example"][path] is not None for path in entry["requires"])


def value_fits(node: Any, value: Any) -> bool:
    """Is a catalogue value of the field's type?"""
    shape = kind(node)
    if shape == "array":
        return isinstance(value, list) and bool(value) and all(item_fits(node["items"], each) for each in value)
    if shape == "enum":
        return value in node["symbols"] and value != "UNKNOWN"
    if isinstance(node, dict) and node.get("logicalType") in ("date", "timestamp-millis"):
        return isinstance(value, str) and RELATIVE_TIME.fullmatch(value) is not None
    if shape == "string":
        return isinstance(value, str) and 0 < len(value) <= node["maxLength"]
    return type(value) is (bool if shape == "boolean" else int)


def item_fits(items: Any, value: Any) -> bool:
    node, _ = resolved(items)
    if kind(node) != "record":
        return value_fits(node, value)
    fields = {field["name"]: without_null(field["type"]) for field in node["fields"]}
    return set(value) <= set(fields) and all(
        nullable if value.get(name) is None else value_fits(resolved(inner)[0], value[name])
        for name, (inner, nullable) in fields.items()
    )


@pytest.mark.parametrize("event_type", sorted(EVENTS))
def test_every_example_value_fits_its_field(event_type: str) -> None:
    """Symbols exist, texts are short enough, times are relative."""
    known = {leaf.path: leaf for leaf in leaves(EVENTS[event_type])}
    for path, value in CATALOGUE[event_type]["example"].items():
        if path in known and value is not None:
            assert value_fits(known[path].node, value), (path, value)
        elif path in known:
            assert known[path].nullable, path


@pytest.mark.parametrize("event_type", sorted(EVENTS))
def test_an_example_is_published_by_a_permitted_organisation_under_a_permitted_gateway(event_type: str) -> None:
    """The source is one of the fictional organisations, and the entry permits it, its gateway, regime and purpose."""
    entry, example = CATALOGUE[event_type], CATALOGUE[event_type]["example"]
    category = example["envelope.sourceOrg.category"]
    assert category in entry["publishers"]
    assert (example["envelope.sourceOrg.scheme"], example["envelope.sourceOrg.id"]) == SOURCES[category]
    for leaf, key in (("legalGateway", "gateways"), ("dpRegime", "regimes"), ("purpose", "purposes")):
        assert example["envelope." + leaf] in entry[key], leaf
    if example["envelope.legalGateway"] == "S49A_DAA":
        assert example["envelope.settings.schoolUrn"]


@pytest.mark.parametrize("event_type", sorted(EVENTS))
def test_the_child_of_an_example_is_born_or_unborn_and_of_the_test_range(event_type: str) -> None:
    """Date of birth and expected date of delivery exclude each other; NHS numbers begin with 999."""
    example = CATALOGUE[event_type]["example"]
    born, due = example["envelope.child.dateOfBirth"], example["envelope.child.expectedDeliveryDate"]
    assert not (born and due)
    for path, value in example.items():
        if path.lower().endswith("nhsnumber") and value is not None:
            assert value.startswith("999"), path


def test_types_for_the_duty_to_refer_have_room_for_consent_and_the_chosen_authority() -> None:
    """s213B Housing Act 1996 needs both (L-05)."""
    types = [name for name, entry in CATALOGUE.items() if "S213B_HOUSING" in entry["gateways"]]
    assert types
    for name in types:
        paths = {leaf.path for leaf in payload(EVENTS[name])}
        assert {"consentEvidence", "chosenAuthority", "contactDetailsConsent"} <= paths, name
