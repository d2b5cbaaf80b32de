"""YAML in which every key and list item knows its line and column, and problems that name them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import yaml

Path = tuple[str | int, ...]
Marks = Mapping[Path, tuple[int, int]]  # path of a key or item -> (line, column), both from 1

_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Severity(StrEnum):
    ERROR = "error"  # the area does not compile
    WARNING = "warning"  # it compiles, but does not do what somebody wanted, or soon will not


class Place(NamedTuple):
    """Where an entry of an area starts."""

    file: str  # relative to the folder that holds the areas
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing that is wrong in an area file, and what would be right."""

    file: str
    line: int
    column: int
    key: str  # e.g. `rules[3].to.role`
    message: str
    suggestion: str | None = None
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        hint = f"; {self.suggestion}" if self.suggestion else ""
        return f"{self.file}:{self.line}:{self.column}: {self.key}: {self.message}{hint}"


class AreaInvalid(Exception):  # noqa: N818 (names what is wrong, as `EventInvalid` does)
    """The area files cannot be used. The caller shows `problems` to their author; nothing was compiled."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line, p.column, p.key, p.message)))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A parsed file: plain values, and the mark of every key and item in it."""

    file: str
    value: Any
    marks: dict[Path, tuple[int, int]]
    problems: tuple[Problem, ...] = ()


def read_yaml(text: str, file: str) -> Located:
    """Parse `text`. Syntax errors, repeated keys and aliases become problems, never exceptions."""
    loader = _Loader(text)
    marks: dict[Path, tuple[int, int]] = {(): (1, 1)}
    problems: list[Problem] = []
    try:
        node = loader.get_single_node()
        value = None if node is None else _Build(loader, file, marks, problems).value(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = f"not readable as YAML: {error.problem or error.context}"
        problems.append(Problem(file=file, line=line, column=column, key="", message=message))
        value = None
    except yaml.YAMLError as error:
        problems.append(Problem(file=file, line=1, column=1, key="", message=f"not readable as YAML: {error}"))
        value = None
    finally:
        loader.dispose()
    return Located(file=file, value=value, marks=marks, problems=tuple(problems))


class _Build:
    """Turns composed nodes into plain values, noting marks on the way."""

    def __init__(self, loader: Any, file: str, marks: dict[Path, tuple[int, int]], problems: list[Problem]) -> None:
        self._loader, self._file, self._marks, self._problems = loader, file, marks, problems
        self._seen: set[int] = set()

    def value(self, node: Any, path: Path) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self._seen:
            message, hint = "aliases are not used in area files", "write the value out where it applies"
            self._problems.append(problem_at(self._file, self._marks, path, message, hint))
            return None
        self._seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            return [self._item(child, (*path, i)) for i, child in enumerate(node.value)]
        return self._mapping(node, path)

    def _scalar(self, node: Any) -> Any:
        try:
            return self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError):
            return node.value  # a date that does not exist: the model says so where it wants one

    def _item(self, node: Any, path: Path) -> Any:
        self._marks[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        return self.value(node, path)

    def _mapping(self, node: Any, path: Path) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
            here = (*path, key)
            if key in out:
                self._add(key_node, here, f"`{key}` is given twice", "keep one of the two")
                continue
            self._marks[here] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            out[key] = self.value(value_node, here)
        return out

    def _add(self, node: Any, path: Path, message: str, suggestion: str) -> None:
        mark = node.start_mark
        self._problems.append(
            Problem(
                file=self._file, line=mark.line + 1, column=mark.column + 1,
                key=show_path(path), message=message, suggestion=suggestion,
            )
        )  # fmt: skip


def show_path(path: Path) -> str:
    """`("rules", 3, "to")` as `rules[3].to`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def problem_at(file: str, marks: Marks, path: Path, message: str, suggestion: str | None = None) -> Problem:
    """A problem at `path`, or at its nearest ancestor that is in the file (a missing key has no line)."""
    at = path
    while at not in marks and at:
        at = at[:-1]
    line, column = marks.get(at, (1, 1))
    return Problem(file=file, line=line, column=column, key=show_path(path), message=message, suggestion=suggestion)


def nearest(word: str, right: Iterable[str]) -> str | None:
    """`did you mean ...`, or the list when it is short, or nothing."""
    words = sorted(set(map(str, right)))
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`"
    lowered = {w.lower(): w for w in words}
    if (same := lowered.get(word.lower())) is not None:
        return f"did you mean `{same}`"
    return f"one of {', '.join(words)}" if 0 < len(words) <= 24 else None
