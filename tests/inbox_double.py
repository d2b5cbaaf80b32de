"""What the pages need beyond `DoorsDouble`: real events, previews that heed judgements, cover; sessions in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.http.values import (
    Caller,
    Candidate,
    Contact,
    Delegation,
    Delivery,
    FieldProblem,
    NamedField,
    Preview,
    Profile,
    Refused,
    StoredSession,
    Submission,
    Summary,
    WithheldFields,
)
from schemas.errors import EventInvalid
from schemas.examples import example
from schemas.json_form import from_json, to_json
from schemas.registry import load_event_types
from schemas.validation import validate
from tests.doors_double import DoorsDouble, delivery

NOW = 1_795_533_300_000  # Tuesday 24 November 2026, 3:15pm in London
HOUR, DAY = 3_600_000, 86_400_000
SCHOOL = "oakfield-primary"
NOT_FOR_SCHOOLS = WithheldFields(
    "ROLE_DOES_NOT_NEED",
    "The rules do not share this with your role: it is not needed to keep the child safe at school.",
    (
        NamedField("allegedOffences", "Alleged offences"),
        NamedField("note", "Note"),
        NamedField("envelope.relevanceReason", "Relevance reason"),
        NamedField("envelope.relatedPersons", "Related persons"),
    ),
)
LOCATING = WithheldFields(
    "LOCATING",
    "Where the child can be found is given to listed roles only.",
    (NamedField("envelope.settings", "Settings"),),
)


def event_of(name: str, event_id: str, **changes: Any) -> dict[str, Any]:
    """An example in JSON form, fields of its envelope changed or (None) withheld."""
    kind = load_event_types()[name]
    form = to_json(kind, example(kind, now_ms=NOW - HOUR, event_id=event_id))
    for path, value in changes.items():
        *records, leaf = path.split("__")
        here = form
        for each in records:
            here = here[each]
        here[leaf] = value
    return form


def id_of(number: int) -> str:
    return f"01a20de6-0000-7000-8000-{number:012d}"


def encompass(number: int = 1, **changes: Any) -> Delivery:
    """What a school gets of a domestic abuse incident."""
    withheld = {
        "allegedOffences": None,
        "note": None,
        "envelope__relevanceReason": None,
        "envelope__relatedPersons": None,
    }
    event = event_of("police.domestic-abuse-incident", id_of(number), **withheld)
    made = delivery(
        id_of(1000 + number),
        event_id=id_of(number),
        title="Domestic abuse incident with a child (Operation Encompass)",
        available_at=NOW - HOUR,
        ack_by=NOW + 17 * HOUR,
        event=event,
        withheld=(NOT_FOR_SCHOOLS,),
        from_area="Northshire Safeguarding Children Partnership",
        basis="s49A Domestic Abuse Act 2021; UK GDPR Article 6(1)(c)",
        contacts=(
            Contact("Northshire children's social care", "MASH duty desk", "01632 960001", False),
            Contact("Northshire children's social care", "Emergency duty team", "01632 960002", True),
        ),
        also_told=("LA_CSC", "HV_SN"),
    )
    return made._replace(**changes)


def other(number: int, kind: str, title: str, urgency: str, ack_by: int | None, **changes: Any) -> Delivery:
    """A delivery of another type, with everything in it."""
    event = event_of(kind, id_of(number))
    return encompass(
        number, event_type=kind, title=title, urgency=urgency, ack_by=ack_by, event=event, withheld=(), also_told=()
    )._replace(**changes)


def a_week() -> dict[str, list[Delivery]]:
    """An inbox with something of every urgency."""
    return {
        SCHOOL: [
            other(4, "housing.household-moved", "Household moved", "INFORMATION", None),
            encompass(1),
            other(3, "health.was-not-brought", "Child was not brought to an appointment", "ROUTINE", NOW - 2 * HOUR),
            other(2, "missing.episode-started", "Child missing", "IMMEDIATE", NOW + 10 * 60_000, no_onward=True),
            encompass(5, ack_by=NOW + 90 * 60_000, state="PICKED_UP"),
        ],
        "kingsmere-academy": [encompass(50)],
    }


class InboxDouble(DoorsDouble):
    """The exchange behind the pages, in memory."""

    def __init__(self, deliveries: Mapping[str, Sequence[Delivery]] | None = None, *, now: int = NOW) -> None:
        super().__init__(a_week() if deliveries is None else deliveries)
        self.given: dict[str, tuple[Caller, Delegation]] = {}
        self.now = now

    def inbox(self, caller: Caller) -> Sequence[Summary]:
        overdue = {
            each.delivery_id
            for each in self.waiting.get(caller.agency, {}).values()
            if (each.ack_by or self.now) < self.now
        }
        return [each._replace(overdue=each.delivery_id in overdue) for each in super().inbox(caller)]

    def preview(self, caller: Caller, document: Mapping[str, Any]) -> Preview | Refused:
        self._here()
        if refused := self._invalid(document):
            return refused
        envelope = document["envelope"]
        judged = {each["agency"]: each for each in envelope.get("proposedRecipients") or ()}
        excluded = {each["agency"] for each in envelope.get("excludeRecipients") or ()}
        found = [self._judged(each, judged.get(each.agency), each.agency in excluded) for each in candidates()]
        told = sum(each.outcome == "DELIVERED" for each in found)
        lines = ("The rules of Northshire apply.", f"{told} of {len(found)} possible recipients receive it.")
        return Preview(envelope["eventType"], "DECIDED", lines, tuple(found), "ab" * 32)

    def publish_batch(self, caller: Caller, submissions: Sequence[Submission]) -> Any:
        self._here()
        wrong = [self._invalid(each.document) for each in submissions]
        done = super().publish_batch(caller, submissions)
        return [each if bad is None else bad for bad, each in zip(wrong, done, strict=True)]

    def profile(self, caller: Caller) -> Profile | None:
        found = super().profile(caller)
        assert found is not None
        desks = (
            Contact("Oakfield Primary School", "Duty DSL", "01632 960083", False),
            Contact("Oakfield Primary School", "Headteacher", "01632 960084", True),
        )
        councils = (("E10000099", "Northshire County Council"), ("E06000098", "Port Varley Council"))
        return found._replace(contacts=desks, councils=councils)

    def delegate(
        self, caller: Caller, role: str, *, to_role: str | None, to_subject: str | None, until: int
    ) -> Delegation | Refused:
        self._here()
        made = Delegation(f"d-{len(self.given)}", role, to_role, to_subject is not None, until, True)
        self.given[made.delegation_id] = (caller, made)
        return made

    def delegations(self, caller: Caller) -> Sequence[Delegation]:
        self._here()
        return [made for giver, made in self.given.values() if giver == caller]

    def end_delegation(self, caller: Caller, delegation_id: str) -> bool:
        self._here()
        giver, _ = self.given.get(delegation_id, (None, None))
        if giver != caller:
            return False
        del self.given[delegation_id]
        return True

    def _invalid(self, document: Mapping[str, Any]) -> Refused | None:
        """The contract's own checks, with what the real one fills in."""
        kind = load_event_types()[document["envelope"]["eventType"]]
        source = {"category": kind.publishers[0].value, "scheme": "URN", "id": "990001"}
        filled = {
            "schemaVersion": kind.version,
            "masaId": "northshire",
            "sourceOrg": source,
            "publishedAt": document["envelope"]["recordedAt"],
        }
        try:
            datum = from_json(kind, {**document, "envelope": {**filled, **document["envelope"]}})
            problems = list(validate(kind, datum, received_at_ms=self.now))
        except EventInvalid as invalid:
            problems = list(invalid.problems)
        if not problems:
            return None
        told = tuple(
            FieldProblem(
                "/" + each.path.replace(".", "/").replace("[", "/").replace("]", ""),
                each.code.value,
                each.message,
                each.expected,
            )
            for each in problems
        )
        return Refused("INVALID", "the event breaks the contract", told)

    @staticmethod
    def _judged(each: Candidate, judgement: Mapping[str, Any] | None, excluded: bool) -> Candidate:
        if excluded:
            return each._replace(outcome="DENIED", reasons=("There is a conflict of interest.",), gets=(), withheld=())
        if judgement and judgement["judgement"] == "WITHHELD":
            return each._replace(outcome="WITHHELD", reasons=("The publisher withholds it.",), gets=(), withheld=())
        return each


def candidates() -> list[Candidate]:
    """Two who would be told, one who waits, one who may not."""
    gets = tuple(NamedField(path, path) for path in ("envelope.child", "envelope.concerns", "envelope.contact"))
    told = Candidate(
        "northshire-csc", "Northshire Children's Social Care", "LA_CSC", "DELIVERED", ("Front door (MASH)",),
        ("The council where the child lives.", "Absence can be a sign of harm; the front door weighs it."), gets,
        (), "s16LA Children Act 2004", "within 1 working day", True,
    )  # fmt: skip
    return [
        told,
        told._replace(
            agency="northshire-0-19", name="Northshire 0-19 Health Service", category="HV_SN",
            roles=("School nurse",), withheld=(LOCATING,), due=None,
        ),
        told._replace(
            agency="moorland-housing", name="Moorland Housing Trust", category="HOUSING_RP", outcome="DENIED",
            reasons=("It is not under the duty.",), gets=(), may_withhold=False, roles=(), due=None,
        ),
        told._replace(
            agency="elm-surgery", name="Elm Surgery", category="GP", outcome="HELD", gets=(), due=None,
            roles=("Safeguarding GP",), reasons=("Not sure that it is this child.",),
        ),
    ]  # fmt: skip


class SessionsDouble:
    """Sessions in memory; the clock is the test's."""

    def __init__(self) -> None:
        self.rows: dict[bytes, tuple[StoredSession, int]] = {}

    def put(self, key: bytes, data: Mapping[str, Any], *, now: int, expires_at: int) -> None:
        since = self.rows[key][0].created_at if key in self.rows else now
        self.rows[key] = (StoredSession(dict(data), since, now), expires_at)

    def get(self, key: bytes, *, now: int, idle_ms: int) -> StoredSession | None:
        found, expires_at = self.rows.get(key, (None, 0))
        if found is None or now >= expires_at or found.seen_at <= now - idle_ms:
            return None
        self.rows[key] = (found._replace(seen_at=now), expires_at)
        return found

    def drop(self, key: bytes) -> None:
        self.rows.pop(key, None)
