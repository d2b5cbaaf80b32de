"""The pages in real Chromium: with and without JavaScript, by keyboard alone, and as axe sees them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.chromium import DESKTOP, NARROWEST, PHONE, a_page, overflow, picture, tab_to, violations
from tests.inbox_double import HOUR, SCHOOL, id_of
from tests.pages_site import PagesSite

ABSENCE = "Absence that gives cause for concern"
ENCOMPASS = "Domestic abuse incident with a child (Operation Encompass)"
WIDE = frozenset({"inbox", "message", "form-error", "check"})  # whose layout differs on a wide window
Look = Callable[[str, str], None]  # a name for the page, and the heading to wait for
FILLED = {
    "sessionsMissed": "23",
    "envelope.occurredAt-day": "23",
    "envelope.occurredAt-month": "11",
    "envelope.occurredAt-year": "2026",
    "envelope.occurredAt-time": "9:15",
    "envelope.child.name": "Maya Ellery",
    "envelope.child.nhsNumber": "999 100 2340",
    "envelope.relevanceReason": "She has missed every Monday since September.",
}
CHOSEN = {
    "matchStatus": "MATCH",
    "addressProtection": "NONE",
    "familyInformed": "YES",
    "handling.doNotDiscloseToSubject": "no",
    "handling.sensitiveService": "no",
    "handling.restricted": "no",
    "assertionBasis": "FACT",
}


def sign_in(page: Page, site: PagesSite) -> None:
    page.goto(site.url + "/sign-in")
    page.get_by_role("link", name="Sign in").click()
    page.locator("summary").first.click()
    page.get_by_role("button", name="Designated safeguarding lead", exact=False).first.click()
    page.wait_for_url(site.url + "/inbox")


def fill_absence(page: Page) -> None:
    for name, text in FILLED.items():
        page.locator(f'[name="{name}"]').fill(text)
    for path, value in CHOSEN.items():
        page.locator(f'[name="envelope.{path}"][value="{value}"]').check()


def read_and_answer(page: Page, site: PagesSite, look: Look) -> None:
    """Sign in, read the list, open, forget to choose, answer; then an answer that asks for one thing more."""
    page.goto(site.url + "/")
    look("sign-in", "Messages about children you work with")
    sign_in(page, site)
    expect(page.get_by_text("No message does not mean that a child is safe")).to_be_visible()
    expect(page.locator("main h2")).to_have_text(["Immediate", "Urgent", "Routine", "For information"])
    look("inbox", "5 messages wait")
    page.get_by_role("link", name=ENCOMPASS).first.click()
    expect(page.get_by_role("heading", name="What you were not given, and why")).to_be_visible()
    expect(page.get_by_role("link", name="01632 960001")).to_be_visible()
    look("message", ENCOMPASS)
    page.get_by_role("button", name="Record my answer").click()
    expect(page).to_have_title(re.compile("^Error: "))
    page.get_by_role("link", name="Select what you did with this message").click()
    look("message-error", ENCOMPASS)
    page.get_by_label("We have acted on it").check()
    page.get_by_role("button", name="Record my answer").click()
    expect(page.get_by_role("status").get_by_text("Your answer was recorded: acted on")).to_be_visible()
    page.get_by_role("link", name=ENCOMPASS).click()
    page.get_by_label("Not our child").check()
    page.get_by_role("button", name="Record my answer").click()
    look("not-our-child", "Not our child")
    page.get_by_role("button", name="Record my answer").click()
    expect(page.locator("#errors li")).to_have_count(1)
    look("not-our-child-error", "Not our child")
    page.get_by_label("The child was never here").check()
    page.get_by_role("button", name="Record my answer").click()
    expect(page.get_by_role("status").get_by_text("Recorded: not your child")).to_be_visible()
    look("inbox-recorded", "3 messages wait")
    answers = {each.acknowledged for each in site.doors.waiting[SCHOOL].values()}
    assert answers == {None, "ACTION_TAKEN", "NOT_OUR_CHILD"}


def cover(page: Page, site: PagesSite, look: Look) -> None:
    """Set cover up for while one is away, and end it."""
    page.get_by_role("link", name="Cover").click()
    page.get_by_role("button", name="Set up cover").click()
    expect(page.locator("#errors li")).to_have_count(2)
    look("cover-error", "Cover while you are away")
    page.get_by_label("Whoever is: Deputy").check()
    for part, text in (("day", "4"), ("month", "12"), ("year", "2026")):
        page.locator(f"#until-{part}").fill(text)
    page.get_by_role("button", name="Set up cover").click()
    expect(page.get_by_text("is covered by Deputy until the end of Friday 4 December")).to_be_visible()
    look("cover", "Cover while you are away")
    page.get_by_role("button", name="End this cover").click()
    expect(page.get_by_text("The cover was ended")).to_be_visible()
    assert site.doors.given == {}


def share(page: Page, site: PagesSite, look: Look) -> None:
    """Fill in, be told what is missing, look who would be told, withhold from one, send, see what became of it."""
    page.get_by_role("link", name="Send").click()
    look("choose", "What do you want to share?")
    page.get_by_role("link", name=ABSENCE).click()
    look("form", ABSENCE)
    page.get_by_role("button", name="Check who will be told").click()
    expect(page.locator("#errors li")).to_have_count(9)
    look("form-error", ABSENCE)
    fill_absence(page)
    page.get_by_role("button", name="Check who will be told").click()
    expect(page.get_by_text("2 organisations will be told. Nothing is sent yet.")).to_be_visible()
    look("check", "Check who will be told")
    page.get_by_label("Your decision about Northshire 0-19 Health Service").select_option("withhold.DETRIMENT")
    page.get_by_role("button", name="Send now").click()
    expect(page.get_by_text("You changed who will be told.")).to_be_visible()
    expect(page.get_by_text("one organisation will be told")).to_be_visible()
    look("check-changed", "Check who will be told")
    page.get_by_role("button", name="Change what I wrote").click()
    expect(page.locator('[name="sessionsMissed"]')).to_have_value("23")
    page.get_by_role("button", name="Check who will be told").click()
    page.get_by_role("button", name="Send now").click()
    expect(page.get_by_text("Your message was sent")).to_be_visible()
    look("outcome", "What became of your message")
    ((document, _),) = site.doors.published.values()
    judged = document["envelope"]["proposedRecipients"]
    assert [(each["agency"], each["ground"]) for each in judged] == [("northshire-0-19", "DETRIMENT")]


def the_rest(page: Page, site: PagesSite, look: Look) -> None:
    """Pages that say one thing, and the way out."""
    page.get_by_role("link", name="Sent").click()
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#errors li")).to_have_count(1)
    look("look-up-error", "What became of a message")
    page.get_by_role("link", name="Help").click()
    look("help", "Help")
    page.goto(f"{site.url}/inbox/{id_of(1002)}")
    expect(page.get_by_text("Do not pass this on.")).to_be_visible()
    look("message-immediate", "Child missing")
    page.goto(f"{site.url}/inbox/{id_of(1050)}")
    look("not-there", "There is nothing here for you")
    page.get_by_role("button", name="Sign out").click()
    look("signed-out", "You are signed out")
    page.goto(f"{site.url}/inbox/{id_of(1002)}")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_whole_tour_and_no_page_has_a_barrier(
    browser: Browser, site: PagesSite, size: dict[str, int], request: pytest.FixtureRequest
) -> None:
    """Every page is clean under axe (WCAG 2.2 AA), needs no scrolling sideways, and breaks no policy of its own."""
    context, page, complaints = a_page(browser, size)
    barriers: dict[str, list[str]] = {}

    def look(name: str, heading: str) -> None:
        expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
        page.wait_for_load_state()
        picture(page, f"{name}-{request.node.callspec.id}")
        if (size is PHONE or name in WIDE) and (found := violations(page)):
            barriers[name] = found
        page.set_viewport_size(NARROWEST if size is PHONE else size)  # type: ignore[arg-type]
        assert overflow(page) <= 0, f"{name} is too wide"
        page.set_viewport_size(size)  # type: ignore[arg-type]

    for part in (read_and_answer, cover, share, the_rest):
        part(page, site, look)
    context.close()
    assert barriers == {}
    assert complaints == []


def test_axe_is_asked_in_earnest(browser: Browser) -> None:
    """A picture without words, grey on grey and a field without a label are found: the looks above do look."""
    context, page, _ = a_page(browser, PHONE)
    page.set_content('<html lang="en"><title>x</title><img src="x"><p style="color:#bbb">grey</p><input>')
    found = {each.split(":")[0] for each in violations(page)}
    context.close()
    assert {"image-alt", "color-contrast", "label"} <= found


def test_the_whole_tour_without_javascript(browser: Browser, site: PagesSite) -> None:
    """Nothing is lost when scripts are off."""
    context, page, _ = a_page(browser, PHONE, javascript=False)
    for part in (read_and_answer, cover, share, the_rest):
        part(page, site, lambda name, heading: None)
    context.close()


def test_everything_can_be_done_by_keyboard(browser: Browser, site: PagesSite) -> None:
    """Skip to the content, open, choose with the arrows, answer; send with a decision: no mouse, focus always seen."""
    context, page, _ = a_page(browser, DESKTOP)
    sign_in(page, site)
    tab_to(page, "Skip to the content")
    page.keyboard.press("Enter")
    tab_to(page, "Child missing")  # the first link of the content
    tab_to(page, ENCOMPASS)
    page.keyboard.press("Enter")
    page.wait_for_url("**/inbox/*")
    tab_to(page, "Noted")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    tab_to(page, "Record my answer")
    page.keyboard.press("Enter")
    page.get_by_text("Your answer was recorded: acted on").wait_for()
    page.goto(f"{site.url}/send/education.absence-concern")
    fill_absence(page)
    tab_to(page, "Check who will be told")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Check who will be told").wait_for()
    tab_to(page, "Your decision")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    tab_to(page, "Show the effect of my decisions")
    page.keyboard.press("Enter")
    page.get_by_text("one organisation will be told").wait_for()
    tab_to(page, "Send now")
    page.keyboard.press("Enter")
    page.get_by_text("Your message was sent").wait_for()
    context.close()


def test_a_printed_message_has_everything_but_the_controls(browser: Browser, site: PagesSite) -> None:
    """With its marking and who printed it; without menu, form and folds."""
    context, page, _ = a_page(browser, DESKTOP)
    sign_in(page, site)
    page.goto(f"{site.url}/inbox/{id_of(1001)}")
    expect(page.get_by_role("button", name="Print this page")).to_be_visible()
    page.emulate_media(media="print")
    for shown in ("OFFICIAL-SENSITIVE", "printed copy", "Maya Ellery", "What you were not given, and why", id_of(1)):
        expect(page.get_by_text(shown).first, shown).to_be_visible()
    for hidden in ("Sign out", "Record my answer", "Print this page", "Back to the inbox"):
        expect(page.get_by_text(hidden).first, hidden).not_to_be_visible()
    picture(page, "message-printed")
    context.close()


def test_before_the_session_ends_the_person_is_asked(browser: Browser, site: PagesSite) -> None:
    """Two minutes before, with a way to stay that does not lose what was typed (WCAG 2.2.1)."""
    context, page, _ = a_page(browser, PHONE)
    page.clock.install()
    sign_in(page, site)
    page.goto(f"{site.url}/send/education.absence-concern")
    page.locator('[name="sessionsMissed"]').fill("23")
    page.clock.fast_forward(28 * 60_000)
    site.clock.seconds += 28 * 60
    page.get_by_text("You will be signed out in 2 minutes.").wait_for()
    picture(page, "staying")
    with page.expect_response("**/session"):
        page.get_by_role("button", name="Stay signed in").click()
    page.get_by_text("You will be signed out").wait_for(state="detached")
    site.clock.seconds += 5 * 60
    page.get_by_role("button", name="Check who will be told").click()
    expect(page.locator('[name="sessionsMissed"]')).to_have_value("23")
    site.clock.seconds -= 33 * 60
    context.close()


def test_two_people_who_answer_at_once_learn_of_each_other(browser: Browser, site: PagesSite) -> None:
    """The first answer stands; the second person sees it, and the same answer again is no fault."""
    context, page, _ = a_page(browser, PHONE)
    sign_in(page, site)
    page.goto(f"{site.url}/inbox/{id_of(1001)}")
    found = site.doors.waiting[SCHOOL][id_of(1001)]
    site.doors.waiting[SCHOOL][id_of(1001)] = found._replace(
        state="ACKNOWLEDGED", acknowledged="NOTED", acknowledged_at=found.available_at + HOUR
    )
    page.get_by_label("We have acted on it").check()
    page.get_by_role("button", name="Record my answer").click()
    expect(page.get_by_text("The first answer stands; yours was not recorded.")).to_be_visible()
    picture(page, "answered-already")
    page.goto(f"{site.url}/inbox/{id_of(1001)}")
    expect(page.get_by_text("Answered: Noted", exact=True)).to_be_visible()
    context.close()
