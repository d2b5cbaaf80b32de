"""The papers of an arrangement: written from the artefact alone, complete, safe to open, readable by their readers."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka import topic_plan
from schemas.registry import EventTypes, load_event_types
from schemas.vocabulary import AgencyCategory, DpRegime, DutyBasis, FieldClass, LegalGateway, Purpose
from streams.policy.artefact import Artefact, canonical, compile_areas
from streams.policy.documents import plain, words
from streams.policy.documents.dpia import REQUIREMENTS
from streams.policy.documents.items import item_name, items_of
from streams.policy.documents.markdown import paragraph, strong, table, text
from streams.policy.documents.page import page
from streams.policy.documents.refusals import LAWS
from streams.policy.documents.render import KINDS, documents
from streams.policy.documents.risks import RISKS
from streams.policy.documents.source import Proven, Source, gaps, source_of
from streams.policy.laws import AGENCY_LAWS, HIT_LAWS
from streams.policy.load import load_areas
from streams.policy.reference_fields import Granted, plan_by_reference
from streams.policy.words import Serves, Staffed
from streams.proof.invariants import area_invariants, shipped_invariants
from tests.unit.policy.builders import facts
from tests.unit.policy.html_page import Element, read_page
from tests.unit.policy.reading_age import grade, sentences

AREAS = Path(__file__).parents[3] / "deploy" / "areas"
TODAY = date(2026, 10, 1)
SHIPPED = ("northshire", "eastmarch")
HOSTILE = "<script>alert(1)</script> | **bold** [x](javascript:y) & `code`"


@cache
def event_types() -> EventTypes:
    return load_event_types()


@cache
def artefact() -> Artefact:
    """Both areas name each other, so they compile to one artefact."""
    return compile_areas(load_areas(AREAS / "northshire", TODAY), event_types(), TODAY)


@cache
def proven(area: str) -> tuple[Proven, ...]:
    return tuple(Proven(id=e.id, title=e.title) for e in (*shipped_invariants(), *area_invariants(AREAS / area)))


@cache
def source(area: str) -> Source:
    return source_of(artefact(), area, event_types(), proven(area))


@cache
def written(area: str) -> Mapping[str, str]:
    return documents(source(area))


@cache
def opened(area: str, name: str) -> Element:
    return read_page(written(area)[f"{name}.html"])


def changed(**of_northshire: Any) -> Source:
    """Northshire with other values in its part of the artefact."""
    document = artefact().document()
    document["areas"]["northshire"] |= of_northshire
    return source_of(Artefact.from_bytes(canonical(document)), "northshire", event_types())


EVERY_PAGE = [(area, name) for area in SHIPPED for name in KINDS]


@pytest.mark.parametrize("area", SHIPPED)
def test_the_papers_in_the_repository_say_what_the_rules_say(area: str) -> None:
    """Run `masa rules document deploy/areas/AREA` after a change of rules."""
    folder = AREAS / area / "documents"
    stale = [
        name
        for name, wanted in written(area).items()
        if not (folder / name).is_file() or (folder / name).read_text() != wanted
    ]
    assert stale == []
    assert {file.name for file in folder.iterdir()} == set(written(area))


@pytest.mark.parametrize(("area", "name"), EVERY_PAGE)
def test_every_paper_names_its_rule_set_and_says_that_it_is_a_draft(area: str, name: str) -> None:
    """Whoever holds two copies can tell whether they say the same."""
    content = opened(area, name).text
    assert artefact().hash in content
    assert "raft" in content[: content.index("Contents")]


@pytest.mark.parametrize(
    ("said", "every"),
    [
        (words.CLASSES, FieldClass),
        (words.GATEWAYS, LegalGateway),
        (words.PURPOSES, Purpose),
        (words.BASES, DutyBasis),
        (words.REGIMES, DpRegime),
        (words.CATEGORIES, AgencyCategory),
        (words.STAFFED, Staffed),
        (words.SERVES, Serves),
    ],
)
def test_every_code_of_the_contract_has_words(said: Mapping[StrEnum, Any], every: type[StrEnum]) -> None:
    """A new code cannot appear in a paper as a code."""
    assert {member for member in every if member.value != "UNKNOWN"} == set(said)


def test_every_law_is_in_the_agreement() -> None:
    """No law can be added to the exchange, or taken away, without the parties reading of it."""
    assert {law.__name__ for law in (*AGENCY_LAWS, *HIT_LAWS)} == set(LAWS)


def test_risks_name_laws_and_invariants_that_exist() -> None:
    """A measure that is not there protects nobody; an invariant that answers no risk is missing from the assessment."""
    assert {law for risk in RISKS for law in risk.laws} <= set(LAWS)
    assert {name for risk in RISKS for name in risk.invariants} <= {each.id for each in shipped_invariants()}
    assert set(REQUIREMENTS.values()) <= {risk.id for risk in RISKS}
    assert len({risk.id for risk in RISKS}) == len(RISKS)


def test_every_kind_of_event_has_plain_words() -> None:
    """A new kind of event cannot be left out of the privacy notice."""
    assert Counter(kind for kinds in plain.GROUPS.values() for kind in kinds) == Counter(list(event_types()))


@pytest.mark.parametrize("area", SHIPPED)
def test_every_rule_is_in_the_annex_once_for_each_kind_of_event(area: str) -> None:
    """The parties sign all of it and nothing else."""
    rows = opened(area, "data-sharing-agreement").all("tr")
    named = Counter(rule for row in rows for rule in re.findall(r"Rule ([a-z0-9-]+)(?: under |\.$)", row.text))
    for rule in source(area).rules:
        times = len(rule["events"]) if rule["effect"] == "allow" else 1
        assert named[rule["id"]] == times, rule["id"]


@pytest.mark.parametrize("area", SHIPPED)
def test_data_items_are_those_that_the_reference_interpreter_gives(area: str) -> None:
    """For each rule and kind of event: the most, what protection takes away, what needs confirmation."""
    told = source(area)
    for rule in told.allows:
        role = {**told.spec["roles"][rule["to"]["role"]], "locating": rule["to"]["role"] in told.spec["locatingRoles"]}
        for name in rule["events"]:
            kind = event_types()[name]
            share = told.spec["projections"][rule["share"]]["events"].get(name, [])

            def kept(*, protection: str, confirmed: bool, kind=kind, share=share, role=role) -> frozenset[str]:  # type: ignore[no-untyped-def]
                granted = [Granted(share, [role], confirmed)]
                return plan_by_reference(kind, facts(protection=protection), granted).kept

            most = kept(protection="NONE", confirmed=True)
            items = items_of(told, rule, name)
            assert {item.path for item in items} == {
                leaf.path for leaf in kind.leaves if leaf.path in most and leaf.classes != {FieldClass.ROUTING}
            }
            assert {i.path for i in items if i.not_if_protected} == {
                i.path for i in items if i.path not in kept(protection="PROTECTED", confirmed=True)
            }
            assert {i.path for i in items if i.only_confirmed} == {
                i.path for i in items if i.path not in kept(protection="NONE", confirmed=False)
            }


def test_the_row_of_a_rule_shows_its_items_with_their_marks() -> None:
    """What a school is told of an absence of locating items when the address is protected, as its row says it."""
    rows = opened("northshire", "data-sharing-agreement").all("tr")
    row = next(row for row in rows if "missing-school" in {code.text for code in row.all("code")})
    rule = next(rule for rule in source("northshire").rules if rule["id"] == "missing-school")
    items = items_of(source("northshire"), rule, "missing.episode-started")
    assert all(item_name(item.path) + "†" * item.not_if_protected in row.text for item in items)
    assert items


def test_what_changes_in_the_rules_changes_in_the_papers() -> None:
    """The papers are read from the artefact: a title, a date and a role's reason all show."""
    agreements = {
        name: {**entry, "reviewBy": "2027-02-03"} for name, entry in source("northshire").spec["agreements"].items()
    }
    after = documents(changed(name="Elsewhere Partnership", agreements=agreements, locatingRoles=["dsl"]))
    assert after["privacy-notice.md"].startswith("# How we share information to keep you safe: Elsewhere Partnership")
    assert "review by 3 February 2027" in after["data-sharing-agreement.md"]
    assert "No reason recorded" in after["dpia-extract.md"]


def test_order_in_the_artefact_is_all_that_decides_order() -> None:
    """Equal rule sets give equal bytes, whoever compiled them."""
    again = Artefact.from_bytes(canonical(json.loads(artefact().content)))
    assert documents(source_of(again, "eastmarch", event_types(), reversed(proven("eastmarch")))) == written(
        "eastmarch"
    )


@pytest.mark.parametrize("area", SHIPPED)
def test_a_shipped_area_leaves_nothing_out(area: str) -> None:
    """Everything that an agreement must say is in the area's files."""
    assert gaps(source(area)) == []


def test_what_an_area_leaves_out_is_named_and_the_rest_is_written() -> None:
    """An area without governance still gets its papers, and is told what they lack."""
    bare = changed(governance=None)
    assert [gap for gap in gaps(bare) if "governance" in gap]
    assert all(artefact().hash not in content and len(content) > 5000 for content in documents(bare).values())
    roles = {name: {**role, "plain": None} for name, role in source("northshire").spec["roles"].items()}
    assert "role `dsl` has no `plain` words" in gaps(changed(roles=roles))


@pytest.mark.parametrize("area", SHIPPED)
def test_days_in_the_agreement_are_those_of_the_topics(area: str) -> None:
    """Paper and broker forget at the same time."""
    kept = source(area).governance["retention"]
    assert kept["deliveriesDays"] == topic_plan.OUTBOX_DAYS == topic_plan.INBOX_DAYS
    assert kept["receiptsDays"] == topic_plan.RECEIPTS_DAYS
    assert kept["heldDays"] == topic_plan.HELD_DAYS
    assert kept["rejectedDays"] == topic_plan.REJECTED_DAYS
    assert kept["auditDays"] == topic_plan.AUDIT_DAYS


@pytest.mark.parametrize("area", SHIPPED)
def test_a_child_of_twelve_can_read_the_privacy_notice(area: str) -> None:
    """Paragraphs, and table cells as well; the partnership's name, numbers and the hash are left out."""
    everything = opened(area, "privacy-notice").all("main")[0].all("p", "li", "td", "th")
    parts = [
        (part, part.text.replace(source(area).spec["name"], "us")) for part in everything if not part.all("a", "code")
    ]
    prose = " ".join(words_ for part, words_ in parts if part.tag in ("p", "li"))
    cells = ". ".join(words_ for part, words_ in parts if part.tag in ("td", "th")).replace("; ", ". ")
    assert grade(prose) < 6
    assert grade(cells) < 6
    assert [" ".join(one) for one in (*sentences(prose), *sentences(cells)) if len(one) > 26] == []


def test_the_reading_age_tells_plain_words_from_a_lawyers() -> None:
    """The measure itself can fail."""
    assert grade("The cat sat on the mat. It was glad.") < 2
    assert grade(LAWS["regime_covered"].words) > 9


@pytest.mark.parametrize(("area", "name"), EVERY_PAGE)
def test_a_page_needs_nothing_from_outside_and_runs_nothing(area: str, name: str) -> None:
    """It can be sent, kept and opened anywhere."""
    html = opened(area, name)
    assert html.all("script", "img", "link", "iframe", "object", "form", "base", "svg", "video") == []
    policy = next(meta for meta in html.all("meta") if meta.attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy.attrs["content"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "url(" not in html.all("style")[0].text
    assert "@import" not in html.all("style")[0].text
    assert [a.attrs["href"] for a in html.all("a") if not a.attrs["href"].startswith("#")] == []


@pytest.mark.parametrize(("area", "name"), EVERY_PAGE)
def test_a_page_can_be_read_with_a_screen_reader(area: str, name: str) -> None:
    """Language, title, order of headings, captions, headers with their scope, ids, and links that lead somewhere."""
    html = opened(area, name)
    headings = [int(each.tag[1]) for each in html.all("h1", "h2", "h3", "h4")]
    assert html.all("html")[0].attrs["lang"] == "en-GB"
    assert html.all("title")[0].text == html.all("h1")[0].text
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))
    ids = [e.attrs["id"] for e in html.all("h1", "h2", "h3", "main", "caption") if "id" in e.attrs]
    assert len(ids) == len(set(ids))
    assert {a.attrs["href"][1:] for a in html.all("a")} <= set(ids)
    for box in html.all("table"):
        assert box.all("caption")[0].text
        assert all(cell.attrs["scope"] == "col" for cell in box.all("thead")[0].all("th"))
        assert all(row.children[0].attrs.get("scope") == "row" for row in box.all("tbody")[0].all("tr"))


def test_words_of_an_area_cannot_act_on_a_page() -> None:
    """An area file is text that somebody wrote: markup in it is shown as it was written."""
    spec = source("northshire").spec
    roles = {name: {**role, "title": HOSTILE, "plain": HOSTILE} for name, role in spec["roles"].items()}
    agreements = {name: {**entry, "lawfulBasis": HOSTILE} for name, entry in spec["agreements"].items()}
    for name, html in documents(changed(name=HOSTILE, roles=roles, agreements=agreements)).items():
        if name.endswith(".html"):
            read = read_page(html)
            assert read.all("script") == []
            assert [a for a in read.all("a") if "javascript" in a.attrs["href"]] == []
            assert read.all("h1")[0].text.count(HOSTILE) == 1
            assert read.all("title")[0].text.count(HOSTILE) == 1


@given(st.text(max_size=60))
def test_any_text_is_shown_as_it_was_written(value: str) -> None:
    """In a paragraph, at its start, in bold and in a table cell; only white space is made even."""
    shown = " ".join("".join(c if c >= " " and c != "\x7f" else " " for c in value).split())
    read = read_page(
        page(paragraph(text(value)) + table("Any", ("A", "B"), [(strong(text("x " + value)), text(value))]))
    )
    cells = read.all("tbody")[0].all("th", "td")
    assert [" ".join(cell.text.split()) for cell in cells] == [f"x {shown}".strip(), shown]
    paragraphs = read.all("main")[0].all("p")
    assert [" ".join(each.text.split()) for each in paragraphs] == ([shown] if shown else [])
