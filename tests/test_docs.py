"""The README keeps its promises: what it names exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
WORDS = re.compile(r"masa((?: [a-z]+)+)")


def commands() -> set[tuple[str, ...]]:
    """Every `masa …` in the README, as far as its words are command names."""
    from typer.main import get_command

    from streams.cli.main import app

    found: set[tuple[str, ...]] = set()
    for text in [*BLOCKS, *re.findall(r"`(masa [^`]*)`", README)]:
        for match in WORDS.finditer(text):
            node, path = get_command(app), []
            for word in match[1].split():
                children = getattr(node, "commands", None)
                if children is None:
                    break
                assert word in children, f"README names `masa {' '.join([*path, word])}`, which does not exist"
                path.append(word)
                node = children[word]
            found.add(tuple(path))
    return found


def test_every_command_in_the_readme_exists_and_explains_itself() -> None:
    """Each command of the README is a command of `masa`, and its help has examples."""
    named = commands()
    assert len(named) > 12
    for path in named:
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli", *path, "--help"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", re.findall(r"\| `([a-z]+/[^`]*)`", README))
def test_every_folder_and_file_of_the_code_map_exists(path: str) -> None:
    """The code map names places that are there."""
    assert (ROOT / path.replace("<area>/", "northshire/")).exists()


def test_the_first_screen_has_the_two_commands_and_nothing_before_them_to_do() -> None:
    """`make run` and `make test` are the first commands a newcomer reads."""
    assert [line.split("#")[0].strip() for line in BLOCKS[0].splitlines()] == ["make run", "make test"]
    assert README.index("make run") < 600


def test_every_dependency_has_its_reason_in_the_readme() -> None:
    """What `pyproject.toml` pins, the README explains."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    pinned = re.findall(r'^  "([A-Za-z-]+)(?:\[[a-z]+\])?==', text, re.MULTILINE)
    assert len(pinned) > 10
    told = README.lower()
    assert [name for name in pinned if name.lower() not in told] == []
