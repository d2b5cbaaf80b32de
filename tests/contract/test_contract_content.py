"""What the schemas of the contract say, and what they must not have a place for. Raw files only, see `schema_rules`."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

from schemas import vocabulary
from tests.contract.schema_rules import EVENTS, NAMED, TYPES, documented, faults, kind, leaves, payload, words

# domain catalogue, section 4: 28 rows; a row that names several types gives several schemas
EXPECTED = words(
    """
    police.domestic-abuse-incident police.public-protection-notice police.protection-power-used police.child-detained
    youth-justice.contact missing.episode-started missing.episode-ended missing.return-interview-completed
    education.absence-concern education.suspension-or-exclusion education.off-roll education.home-education-started
    education.missing-education education.cp-file-transfer health.ed-attendance-concern health.was-not-brought
    health.hv-concern health.maternity-concern social-care.status-changed social-care.contact-outcome
    early-help.episode social-care.access-notification dv.marac-referral dv.marac-outcome send.status
    housing.homelessness-risk housing.household-moved probation.person-of-concern prison.release-or-contact-risk
    lado.allegation exploitation.concern identity.identifier-changed identity.severed identity.protection-changed
    control.correction control.retraction control.withheld control.information-request control.information-response
    control.acknowledgement control.escalation control.notice control.heartbeat
    """
)

# the envelope's fields in their order; `settings` ends what routing reads
ROUTING_PREFIX = """
    eventId eventType schemaVersion masaId sourceOrg legalGateway dpRegime purpose urgency occurredAt recordedAt
    publishedAt handling addressProtection matchStatus area agencyGrade assertionBasis familyInformed sequence
    supersedes concerns proposedRecipients excludeRecipients settings
"""
URN = {"type": "string", "maxLength": 6, "masa:format": "urn"}
AFTER_ROUTING = "sourceSystem sourceRef relevanceReason relatedPersons childVoice safeContact contact child"


@pytest.mark.parametrize("event_type", sorted(EVENTS))
def test_every_event_schema_keeps_every_rule(event_type: str) -> None:
    """Classes, nullability, docs, enum defaults, bounded free text at the end, envelope first."""
    assert faults(event_type, EVENTS[event_type]) == []


def test_there_is_one_schema_for_each_event_type_of_the_catalogue_of_the_domain() -> None:
    """Neither a type too few nor one too many."""
    assert set(EVENTS) == EXPECTED


def test_every_shared_type_is_in_the_file_of_its_name() -> None:
    """References by full name can then be followed by people."""
    for stem, node in TYPES.items():
        assert (node["name"], node["namespace"]) == (stem, "uk.masa")
        assert documented(node), stem


def test_every_shared_type_is_used() -> None:
    """No dead words in the contract."""
    text = "".join(json.dumps(schema) for schema in (*EVENTS.values(), *TYPES.values()))
    assert [name for name in NAMED if f'"{name}"' not in text and name != "uk.masa.Envelope"] == []


def test_no_two_types_have_the_same_name() -> None:
    """A name means one thing in the whole contract."""
    names = [*TYPES, *(schema["name"] for schema in EVENTS.values())]
    for schema in EVENTS.values():
        names += re.findall(r'"type": "(?:enum|record)", "name": "(\w+)"', json.dumps(schema["fields"]))
    assert sorted(names) == sorted(set(names))


def test_enums_of_the_code_and_of_the_schemas_have_the_same_symbols() -> None:
    """In the same order, because the order is the encoding."""
    shared = [name for name, node in TYPES.items() if kind(node) == "enum" and hasattr(vocabulary, name)]
    assert len(shared) >= 13
    for name in shared:
        assert TYPES[name]["symbols"] == [member.value for member in getattr(vocabulary, name)], name


def test_the_envelope_has_routing_fields_first_and_identity_and_free_text_last() -> None:
    """The router decodes only up to `settings`."""
    envelope = TYPES["Envelope"]
    assert [field["name"] for field in envelope["fields"]] == f"{ROUTING_PREFIX} {AFTER_ROUTING}".split()
    for leaf in leaves({"fields": [{"name": "envelope", "type": envelope}]}):
        if leaf.path.split(".")[1] in words(ROUTING_PREFIX):
            assert not leaf.tags & {"IDENTITY", "NARRATIVE", "CONTACT", "THIRD_PARTY"}, leaf.path
        else:
            assert "ROUTING" not in leaf.tags, leaf.path


def test_routing_metadata_names_no_setting_and_no_person() -> None:
    """Every recipient gets it: nothing narrower than a local authority may be in it."""
    routing = {leaf.path for leaf in leaves(EVENTS["send.status"]) if leaf.tags == {"ROUTING"}}
    assert not [path for path in routing if re.search(r"urn|ods|name|ref|phone|postcode", path, re.I)]
    assert all(path.startswith("envelope.") for path in routing)


@pytest.mark.parametrize("event_type", sorted(EVENTS))
def test_only_the_envelope_has_routing_fields(event_type: str) -> None:
    """Everything in a payload can be withheld."""
    assert [leaf.path for leaf in payload(EVENTS[event_type]) if "ROUTING" in leaf.tags] == []


def test_there_is_no_place_for_a_refuge_address() -> None:
    """The one address record is for ordinary moves; no name or symbol invites a refuge (P-03)."""
    records = {}
    for event_type, schema in EVENTS.items():
        paths = [leaf.path for leaf in leaves(schema)]
        assert not [path for path in paths if "refuge" in path.lower()]
        coded = [leaf for leaf in payload(schema) if leaf.type_name != "uk.masa.AddressProtection"]
        assert "REFUGE" not in json.dumps([leaf.node for leaf in coded]).replace("REFUGE is", "")
        if found := [path for path in paths if re.search(r"line1|postcode|uprn|street", path, re.I)]:
            records[event_type] = found
    expected = ["newAddress.line1", "newAddress.postcode", "newAddress.uprn"]
    assert records == {"housing.household-moved": expected}


def test_a_severed_identity_leads_nowhere() -> None:
    """No field of the event could hold a new identifier, a reason or a link (I-06)."""
    paths = [leaf.path for leaf in payload(EVENTS["identity.severed"])]
    assert paths == ["severedNhsNumber", "severedUpn", "effectiveFrom", "instructions"]


def test_a_change_of_protection_says_neither_why_nor_where() -> None:
    """Everyone who holds the child's data gets it."""
    leaves_ = payload(EVENTS["identity.protection-changed"])
    assert not [leaf.path for leaf in leaves_ if leaf.tags & {"LOCATING", "NARRATIVE", "PLACEMENT", "THIRD_PARTY"}]


def test_nobody_is_delivered_a_decision_to_withhold() -> None:
    """The payload of control.withheld is for the audit only (L-03)."""
    assert {tag for leaf in payload(EVENTS["control.withheld"]) for tag in leaf.tags} == {"CONTROL"}


def test_sensitive_service_fields_carry_all_their_classes() -> None:
    """A field about a sensitive service is health information as well (P-09)."""
    found = [leaf for schema in EVENTS.values() for leaf in payload(schema) if "SENSITIVE_SERVICE" in leaf.tags]
    assert len(found) >= 2
    assert all("HEALTH" in leaf.tags for leaf in found)


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (lambda s: s["fields"][1].pop("doc"), "has no doc"),
        (lambda s: s["fields"][1].pop("confluent:tags"), "has no class"),
        (lambda s: s["fields"][1].update({"confluent:tags": ["SECRET"]}), "unknown class"),
        (lambda s: s["fields"][1].update(type="int"), "must be nullable"),
        (lambda s: s["fields"][1].pop("default"), "go together"),
        (lambda s: s["fields"][1].update(type=["null", "string"]), "maxLength"),
        (lambda s: s["fields"][1].update(type=["null", "string", "int"]), "unions are null and one type"),
        (lambda s: s["fields"][1].update(type=["null", "double"]), "is not used"),
        (lambda s: s["fields"][1].update(type=["null", "uk.masa.Relationship"]), "['THIRD_PARTY']"),
        (lambda s: s["fields"][1].update(type=["null", URN]), "['LOCATING']"),
        (lambda s: s["fields"][1].update(name="policePhone"), "['LOCATING']"),
        (lambda s: s["fields"].reverse(), "must begin with the envelope"),
        (lambda s: s["fields"].append(s["fields"].pop(1)), "free text must be the last field"),
        (lambda s: s["fields"].pop(), "must have a note"),
        (lambda s: s.update(name="Other"), "must be named"),
        (lambda s: s["fields"][5]["type"][1].pop("default"), "UNKNOWN must be the first symbol"),
        (lambda s: s["fields"][5]["type"][1]["symbols"].append("HOME"), "different words"),
        (lambda s: s["fields"][6].pop("confluent:tags"), "has no class"),
    ],
)
def test_the_checker_finds_a_planted_fault(plant: Any, expected: str) -> None:
    """A check that cannot fail proves nothing."""
    schema = copy.deepcopy(EVENTS["police.domestic-abuse-incident"])
    plant(schema)
    assert any(expected in fault for fault in faults("police.domestic-abuse-incident", schema))
