"""The tour on a running exchange: published by one agency, read and answered in the browser, seen by the publisher."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_pages_browser import fill_absence
from tests.chromium import DESKTOP, PHONE, a_page, chromium, picture, violations
from tests.integration.live_exchange import LiveExchange
from tests.integration.test_http_api import HttpDoor, absence
from tests.support import wait_for

pytestmark = pytest.mark.integration
SCHOOL, COUNCIL = "oakfield-primary", "northshire-attendance"
DSL, OFFICER = f"dsl@{SCHOOL}", f"attendance-officer@{COUNCIL}"
TITLE = "Absence that gives cause for concern"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for this module only."""
    with chromium() as started:
        yield started


def sign_in(page: Page, live: LiveExchange, who: str) -> None:
    """Through the local identity issuer, which asks who one is."""
    page.goto(live.connection()["gateway"] + "/sign-in")
    page.get_by_role("link", name="Sign in").click()
    person = page.locator(f'button[value="{who}"]')
    page.locator("details").filter(has=person).locator("summary").click()
    person.click()
    expect(page.get_by_role("link", name="Inbox")).to_be_visible()


def arrived(live: LiveExchange, event_id: str, agency: str) -> str:
    """Id of the agency's delivery of an event, once its inbox has it."""
    query = "SELECT delivery_id FROM gateway_delivery WHERE event_id = %s AND agency = %s"

    def look() -> str | None:
        with psycopg.connect(live.database) as connection:
            row = connection.execute(query, (event_id, agency)).fetchone()
        return None if row is None else str(row[0])

    return wait_for(look, 60, what="the delivery in the recipient's inbox")


def answered(page: Page, live: LiveExchange, event_id: str, answer: str) -> str:
    """Find the message in the list, open it and answer; its delivery id."""
    delivery_id = arrived(live, event_id, COUNCIL)
    page.goto(live.connection()["gateway"] + "/inbox")
    page.locator(f'a[href="/inbox/{delivery_id}"]').click()
    expect(page.get_by_role("heading", level=1, name=TITLE)).to_be_visible()
    expect(page.get_by_role("heading", name="Who it is about")).to_be_visible()
    page.get_by_label(answer).check()
    page.get_by_role("button", name="Record my answer").click()
    expect(page.get_by_text("Your answer was recorded")).to_be_visible()
    return delivery_id


def test_published_over_http_read_in_the_browser_and_seen_by_the_publisher(
    live: LiveExchange, browser: Browser
) -> None:
    """The reader sees whom to ring and what was withheld; the opening is on record; the publisher sees the answer."""
    sender = HttpDoor(live, SCHOOL)
    accepted = sender("POST", "/v1/events", json=absence(live)).json()
    context, page, complaints = a_page(browser, PHONE)
    sign_in(page, live, OFFICER)
    delivery_id = arrived(live, accepted["eventId"], COUNCIL)
    page.goto(f"{live.connection()['gateway']}/inbox/{delivery_id}")
    for heading in ("Who it is about", "What happened", "Who to ring", "What you were not given, and why"):
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
    assert violations(page) == []
    picture(page, "live-message")
    answered(page, live, accepted["eventId"], "We have acted on it")
    context.close()
    assert complaints == []

    def seen() -> bool:
        outcome = sender("GET", accepted["outcome"]).json()
        return "ACTION_TAKEN" in [each["acknowledged"] for each in outcome["recipients"]]

    wait_for(seen, 60, what="the outcome at the publisher")

    def on_record() -> bool:
        operations = live.answers("ledger", "operations", "--json")
        opened = [each for each in operations if each["target"] == delivery_id and each["kind"] == "delivery.opened"]
        return len({each["actor"] for each in opened}) == 1 and len(opened) == 2 and OFFICER not in str(opened)

    wait_for(on_record, 60, what="both openings on record, of one person, by pseudonym")


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
def test_written_read_and_answered_in_browsers_alone(live: LiveExchange, browser: Browser, javascript: bool) -> None:
    """A school fills the form, sees who would be told, sends; the council answers; the school sees the answer."""
    gateway = live.connection()["gateway"]
    context, page, _ = a_page(browser, DESKTOP, javascript=javascript)
    sign_in(page, live, DSL)
    page.goto(f"{gateway}/send/education.absence-concern")
    expect(page.locator('[name="envelope.contact.phone"]')).not_to_have_value("")
    fill_absence(page)
    page.get_by_label("Northshire County Council").first.check()
    page.locator('[name="envelope.settings.gpOds"]').fill("Z99001")
    page.get_by_role("button", name="Check who will be told").click()
    expect(page.get_by_role("heading", name="Northshire school attendance and inclusion support")).to_be_visible()
    if javascript:
        assert violations(page) == []
        picture(page, "live-check")
    page.get_by_role("button", name="Send now").click()
    expect(page.get_by_text("Your message was sent")).to_be_visible()
    event_id = page.url.rsplit("/", 1)[-1]
    reader, theirs, _ = a_page(browser, PHONE, javascript=javascript)
    sign_in(theirs, live, OFFICER)
    answered(theirs, live, event_id, "Noted")
    reader.close()

    def told() -> bool:
        page.goto(f"{gateway}/sent/{event_id}")
        return page.get_by_text("Answered: Noted").count() == 1

    wait_for(told, 60, what="the answer on the sender's page")
    picture(page, f"live-outcome-{javascript}")
    context.close()


def test_a_recipient_that_the_sender_withholds_from_is_not_told(live: LiveExchange, browser: Browser) -> None:
    """The named person's judgement and its ground are in the decision, and nothing reached that agency (L-02, L-03)."""
    gateway = live.connection()["gateway"]
    context, page, _ = a_page(browser, DESKTOP)
    sign_in(page, live, DSL)
    page.goto(f"{gateway}/send/education.absence-concern")
    fill_absence(page)
    page.get_by_label("Northshire County Council").first.check()
    page.get_by_role("button", name="Check who will be told").click()
    page.locator(f'[name="tell:{COUNCIL}"]').select_option("withhold.NOT_RELEVANT")
    page.get_by_role("button", name="Show the effect of my decisions").click()
    expect(page.get_by_text("Not told: you decided so")).to_be_visible()
    page.get_by_role("button", name="Send now").click()
    expect(page.get_by_text("Your message was sent")).to_be_visible()
    event_id = page.url.rsplit("/", 1)[-1]
    context.close()
    live.in_the_ledger([event_id])
    (shown,) = live.answers("ledger", "show", event_id, "--json")
    (outcome,) = [each for each in shown["outcomes"] if each["agency"] == COUNCIL]
    assert (outcome["outcome"], outcome["deliveryId"]) == ("WITHHELD", None)
