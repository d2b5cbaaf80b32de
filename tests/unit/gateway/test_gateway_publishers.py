"""Who an event's `sourceOrg` names, under a rule set."""

from __future__ import annotations

from streams.gateway.publishers import Publisher, Publishers

POLICE = Publisher(
    id="northshire-police", category="POLICE", area="northshire", gateway=False, identifiers=(("GSS", "E23000099"),)
)
SOCIAL_CARE = Publisher(
    id="northshire-csc", category="LA_CSC", area="northshire", gateway=False, identifiers=(("GSS", "E10000099"),)
)
VIRTUAL_SCHOOL = Publisher(
    id="northshire-virtual-school",
    category="LA_CSC",
    area="northshire",
    gateway=True,
    identifiers=(("GSS", "E10000099"),),
)
PUBLISHERS = Publishers([POLICE, SOCIAL_CARE])


def organisation(category: str, scheme: str | None, code: str | None) -> dict[str, str | None]:
    return {"category": category, "scheme": scheme, "id": code}


def test_an_agency_is_found_by_category_and_code() -> None:
    """No --agency is needed when the event says who publishes."""
    assert PUBLISHERS.of_event(organisation("POLICE", "GSS", "E23000099"), None) == POLICE


def test_a_code_that_two_agencies_share_needs_the_agency_named() -> None:
    """Functions of one council have one code."""
    both = Publishers([SOCIAL_CARE, VIRTUAL_SCHOOL])
    organisation_of_both = organisation("LA_CSC", "GSS", "E10000099")
    answer = both.of_event(organisation_of_both, None)
    assert isinstance(answer, str)
    assert "--agency" in answer
    assert both.of_event(organisation_of_both, "northshire-virtual-school") == VIRTUAL_SCHOOL


def test_an_agency_cannot_publish_as_another() -> None:
    """The message says what would be right."""
    answer = PUBLISHERS.of_event(organisation("LA_CSC", "GSS", "E10000099"), "northshire-police")
    assert isinstance(answer, str)
    assert "POLICE with GSS `E23000099`" in answer


def test_an_event_without_a_code_is_taken_at_the_agencys_word() -> None:
    """A school may leave its code out, for it would locate the child."""
    assert PUBLISHERS.of_event(organisation("POLICE", None, None), "northshire-police") == POLICE
    assert isinstance(PUBLISHERS.of_event(organisation("POLICE", None, None), None), str)


def test_an_unknown_code_is_not_repeated() -> None:
    """Codes of organisations are not secret, but a mistyped one may be an identifier of a child."""
    answer = PUBLISHERS.of_event(organisation("POLICE", "GSS", "9434765919"), None)
    assert isinstance(answer, str)
    assert "9434765919" not in answer


def test_a_mistyped_agency_gets_the_nearest_names() -> None:
    """The answer ends the search."""
    assert PUBLISHERS.named("northshire-polic") == (
        "no agency `northshire-polic` in the rule set in force: did you mean `northshire-police` or `northshire-csc`?"
    )


def test_publishers_are_read_from_a_compiled_rule_set() -> None:
    """Channel, area and identifiers come from the artefact."""
    document = {
        "agencies": [
            {
                "id": "oakfield-primary",
                "category": "SCHOOL",
                "area": "northshire",
                "channel": "gateway",
                "identifiers": [["URN", "990001"]],
            }
        ]
    }
    school = Publishers.of_rule_set(document).of_event(organisation("SCHOOL", "URN", "990001"), None)
    assert isinstance(school, Publisher)
    assert (school.id, school.gateway, school.area) == ("oakfield-primary", True, "northshire")
