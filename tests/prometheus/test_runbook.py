"""Each alert has its page in the runbook, and each command in it exists."""

from __future__ import annotations

import re

import pytest
from typer.main import get_command

from streams.cli.main import app
from tests.prometheus.promtool import ROOT, alerts

TEXT = (ROOT / "deploy" / "runbook" / "alerts.md").read_text("utf-8")
PAGES = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))
PARTS = ("**For children.**", "**Look.**", "**Do.**", "**Ring.**")
COMMAND = re.compile(r"\bmasa ((?:[a-z][a-z-]* ?)+)((?:[^\n`#|;&]*))")


def test_each_alert_has_a_page_and_each_page_an_alert() -> None:
    """In both directions, so that nothing is left behind by a renaming."""
    assert set(PAGES) == {rule["alert"] for _, rule in alerts()}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_it_means_what_to_look_at_what_to_do_and_whom_to_ring(name: str) -> None:
    """None of the four is missing or empty; the page says the same condition as the rule."""
    parts = [PAGES[name].partition(part)[2].strip() for part in PARTS]
    assert all(len(part) > 10 for part in parts)
    assert "```sh" in PAGES[name]
    rule = next(rule for _, rule in alerts() if rule["alert"] == name)
    assert "".join(rule["expr"].split()) in "".join(PAGES[name].split())
    assert f"for {rule['for']}" in PAGES[name] if "for" in rule else "Fires when `" in PAGES[name]


def test_every_command_in_the_runbook_exists_with_its_options() -> None:
    """Words are commands of `masa`, and what begins with `--` is an option of that command."""
    found = [
        (match[1].split(), re.findall(r"(--[a-z-]+)", match[2]))
        for text in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) + re.findall(r"`(masa [^`]*)`", TEXT)
        for match in COMMAND.finditer(text)
        if ".masa" not in match[0]
    ]
    assert len(found) > 60
    for words, options in found:
        node, path = get_command(app), []
        for word in words:
            children = getattr(node, "commands", None)
            if children is None:
                break
            assert word in children, f"`masa {' '.join([*path, word])}` does not exist"
            node, path = children[word], [*path, word]
        known = {name for each in node.params for name in each.opts} | {"--help"}
        assert set(options) <= known, f"`masa {' '.join(path)}` has no {set(options) - known}"
