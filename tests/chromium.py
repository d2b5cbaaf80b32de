"""Real Chromium for the tests that look at pages: starting it, axe in it, and the keyboard."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE, DESKTOP = {"width": 375, "height": 740}, {"width": 1280, "height": 900}
NARROWEST = {"width": 320, "height": 640}  # WCAG 1.4.10
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WAIT_MS = 15_000
SCREENSHOTS = "MASA_SCREENSHOTS"  # a folder for pictures of every page, when somebody wants to look
_FOCUS = """() => {
  const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
  const label = at.labels && at.labels.length ? at.labels[0].innerText : "";
  const shown = style.boxShadow !== "none" || (style.outlineStyle !== "none" && style.outlineWidth !== "0px");
  const x = Math.min(box.x + box.width / 2, innerWidth - 1), y = box.y + Math.min(box.height, 20) / 2;
  const mid = document.elementFromPoint(x, y);
  return {
    tag: at.tagName, name: (label || at.innerText || at.value || "").trim(), shown,
    seen: at.tagName === "BODY" || (mid !== null && (at.contains(mid) || mid.contains(at))),
  };
}"""


def executable() -> str:
    """Path of Chromium; the test fails with what to install when there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.fail("the browser tests need Chromium: run deploy/scripts/install-test-tools.sh as root", pytrace=False)
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser; nothing of it outlives the block."""
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def a_page(
    browser: Browser, size: dict[str, int], *, javascript: bool = True
) -> tuple[BrowserContext, Page, list[str]]:
    """A page of a fresh visitor, and what its console complains about: policy violations and script errors."""
    context = browser.new_context(viewport=size, java_script_enabled=javascript)  # type: ignore[arg-type]
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if "Content Security Policy" in line.text else None)
    return context, page, complaints


def violations(page: Page) -> list[str]:
    """What axe finds, one line each."""
    options = {"runOnly": {"type": "tag", "values": STANDARDS}, "resultTypes": ["violations"]}
    found: Any = Axe().run(page, options=options).response
    return [
        f"{each['id']}: {node['html'][:150]} ({node['failureSummary']})"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wide


def picture(page: Page, name: str) -> None:
    """A screenshot of the whole page, when a folder for them is named."""
    if folder := os.environ.get(SCREENSHOTS):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def tab_to(page: Page, name: str, *, most: int = 120) -> None:
    """Press Tab until what is called `name` has the focus; at each stop the focus must be seen."""
    passed = []
    for _ in range(most):
        page.keyboard.press("Tab")
        at = page.evaluate(_FOCUS)
        assert at["shown"] or at["tag"] == "BODY", f"no visible focus on {at}"
        assert at["seen"], f"focus is covered by something: {at}"
        if at["name"].startswith(name):
            return
        passed.append(at["name"][:40])
    pytest.fail(f"`{name}` cannot be reached by Tab; passed {passed}")
