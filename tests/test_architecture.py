"""The shape of the code: who may import what, what may happen at import, how long things may get.

Read from the syntax tree, so that a broken rule is found in code that no test runs.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("schemas", "connectors", "streams")  # each may import those before it
LONGEST_MODULE = 300
LONGEST_BODY = 45

# Library -> the only places that may import it. A place is a folder or a file.
HOMES: dict[str, tuple[str, ...]] = {
    "fastavro": ("schemas",),
    "avro": (),  # the independent oracle of the tests
    "confluent_kafka": ("connectors/kafka",),
    "prometheus_client": ("connectors/meters.py",),
    "psycopg": ("connectors/postgres", "streams/ledger"),
    "sqlalchemy": ("connectors/postgres",),
    "alembic": ("connectors/postgres",),
    "cryptography": ("connectors/signing.py", "connectors/sealing.py", "connectors/certificates.py"),
    "faust": ("streams/followup",),
    "aiokafka": ("streams/followup",),
    "starlette": ("connectors/http",),
    "fastapi": ("connectors/http",),
    "aiohttp": ("connectors/http",),
    "uvicorn": ("connectors/http",),
    "jinja2": ("connectors/http",),
    "joserfc": ("connectors/http",),
    "httpx": ("connectors",),
    "typer": ("streams/cli",),
    "rich": ("streams/cli", "streams/bench"),
    "psutil": ("connectors", "streams/bench"),
    "yaml": ("schemas", "streams/policy", "connectors/kafka/strimzi.py"),
    "holidays": ("streams/policy/load.py",),
    "markdown_it": ("streams/policy/documents",),
    "stdnum": ("schemas",),
    "defusedxml": ("connectors/files/read_xml.py",),
    "sqlite3": ("connectors/files/journal.py", "connectors/client/handled.py"),
    "z3": ("streams/proof",),
}

# The pure core: no clock, no environment, no I/O, no client library.
PURE = (
    "streams/policy",
    "streams/routing/plan.py",
    "streams/routing/arrivals.py",
    "streams/routing/intake.py",
    "streams/routing/quick.py",
    "streams/routing/repeats.py",
    "streams/routing/fast_lane.py",
    "streams/routing/lane_desk.py",
    "streams/exporter/queues.py",
    "streams/exporter/ages.py",
    *(f"streams/rehearsal/{name}.py" for name in ("past", "cells", "changes", "rehearse", "report")),
)
PURE_MAY_IMPORT = frozenset({"pydantic", "yaml", "holidays", "markdown_it", "schemas", "streams", "connectors"})
IMPURE_STANDARD = frozenset({
    "os", "io", "time", "socket", "subprocess", "threading", "multiprocessing", "asyncio", "random", "secrets",
    "shutil", "tempfile", "urllib", "http", "logging", "sqlite3", "signal",
})  # fmt: skip

# Names whose call at import time would make a client, a connection, a thread or a metric.
MAKES_SOMETHING = frozenset({
    "Consumer", "Producer", "AdminClient", "Thread", "Timer", "Popen", "connect", "create_engine", "open",
    "CollectorRegistry", "Counter", "Gauge", "Histogram", "Telemetry", "App", "ThreadingHTTPServer", "run", "start",
    "load_event_types", "load_catalogue", "read_text", "read_bytes",
})  # fmt: skip
# Alembic runs its environment file by importing it.
RUNS_AT_IMPORT = frozenset({"connectors/postgres/migrations/env.py", "streams/cli/__main__.py"})

WALL_CLOCK = frozenset({"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"})
ENVIRONMENT = frozenset({"os.environ", "os.getenv", "os.environb", "os.putenv"})
READS_THEM = ("streams/cli", "streams/bench")  # the composition root; and what measures

# Modules that are longer than the rule allows, each with its reason.
LONG_MODULES: dict[str, str] = {
    "streams/policy/documents/risks.py": "a list: one entry for each thing that could go wrong",
    "streams/simulation/bad_content.py": "a list: one short function for each kind of bad input",
}

# Function bodies that are longer than the rule allows, each with its reason.
LONG_BODIES: dict[str, str] = {
    "streams/routing/quick.py:_vouched": "one straight run through an event's fields; splitting it costs a tenth of "
    "the router's speed",
}


class Module(NamedTuple):
    path: str  # relative to the repository, with slashes
    tree: ast.Module
    lines: int


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the packages."""
    found = []
    for layer in LAYERS:
        for file in sorted((ROOT / layer).rglob("*.py")):
            text = file.read_text()
            found.append(Module(file.relative_to(ROOT).as_posix(), ast.parse(text), len(text.splitlines())))
    return tuple(found)


def within(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Full names of everything imported anywhere in a module, with their lines; those for type checking too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the layer"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def dotted(node: ast.AST) -> str:
    """`a.b.c` of an attribute chain, its last two names when the chain starts with something else."""
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else node.attr
    return node.id if isinstance(node, ast.Name) else ""


def offences(found: Iterator[str]) -> str:
    return "\n".join(found)


def test_imports_never_go_up_a_layer() -> None:
    """schemas imports neither of the others, connectors does not import streams."""

    def found() -> Iterator[str]:
        for module in modules():
            allowed = LAYERS[: LAYERS.index(module.path.split("/")[0]) + 1]
            for name, line in imports(module.tree):
                if name.split(".")[0] in LAYERS and name.split(".")[0] not in allowed:
                    yield f"{module.path}:{line} imports {name}"

    assert not offences(found())


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_library_is_used_in_its_home_only(library: str) -> None:
    """What could be replaced is known in one place."""

    def found() -> Iterator[str]:
        for module in modules():
            for name, line in imports(module.tree):
                if name.split(".")[0] == library and not within(module.path, HOMES[library]):
                    yield f"{module.path}:{line} imports {name}"

    assert not offences(found())


def test_the_pure_core_imports_nothing_that_acts() -> None:
    """Decisions come from arguments alone."""

    def found() -> Iterator[str]:
        for module in modules():
            if not within(module.path, PURE):
                continue
            for name, line in imports(module.tree):
                top = name.split(".")[0]
                if top in IMPURE_STANDARD or (top not in sys.stdlib_module_names and top not in PURE_MAY_IMPORT):
                    yield f"{module.path}:{line} imports {name}"
                if top == "connectors" and within(module.path, ("streams/policy",)):
                    yield f"{module.path}:{line} imports {name}"

    assert not offences(found())


def test_environment_and_clock_are_read_at_the_composition_root_only() -> None:
    """Everywhere else they are arguments, so that a test can choose them."""

    def found() -> Iterator[str]:
        for module in modules():
            if within(module.path, READS_THEM):
                continue
            for node in ast.walk(module.tree):
                name = dotted(node) if isinstance(node, ast.Attribute) else ""
                if name in ENVIRONMENT or name in WALL_CLOCK or name.removeprefix("datetime.") in WALL_CLOCK:
                    yield f"{module.path}:{node.lineno} uses {name}"
            for name, line in imports(module.tree):
                if name in {"os.environ", "os.getenv", "time.time", "time.time_ns"}:
                    yield f"{module.path}:{line} imports {name}"

    assert not offences(found())


def at_import(nodes: list[ast.stmt]) -> Iterator[ast.AST]:
    """Everything that is evaluated when a module is imported: not the bodies of functions."""
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from node.decorator_list
            yield from (default for default in [*node.args.defaults, *node.args.kw_defaults] if default)
        elif isinstance(node, ast.ClassDef):
            yield from node.decorator_list
            yield from at_import(node.body)
        elif isinstance(node, ast.If) and "__name__" in ast.dump(node.test):
            continue
        elif isinstance(node, ast.If):
            yield node.test
            yield from at_import([*node.body, *node.orelse])
        else:
            yield node


def without_lambdas(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what is below it, bodies of lambdas left out: they run later."""
    yield node
    for below in ast.iter_child_nodes(node):
        if not isinstance(below, ast.Lambda):
            yield from without_lambdas(below)


def test_nothing_is_made_at_import() -> None:
    """Importing a module starts no client, connection, thread, process or metric, and reads no file."""

    def found() -> Iterator[str]:
        for module in modules():
            if module.path in RUNS_AT_IMPORT:
                continue
            for statement in at_import(module.tree.body):
                for node in without_lambdas(statement):
                    if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] in MAKES_SOMETHING:
                        yield f"{module.path}:{node.lineno} calls {dotted(node.func)}"

    assert not offences(found())


def test_init_files_hold_a_docstring_only() -> None:
    """Code in them would run for whoever imports a neighbour."""
    wrong = [
        module.path
        for module in modules()
        if module.path.endswith("__init__.py") and (len(module.tree.body) != 1 or not ast.get_docstring(module.tree))
    ]
    assert wrong == []


def test_every_module_says_what_it_is_for() -> None:
    """A module opens with a docstring."""
    assert [module.path for module in modules() if not ast.get_docstring(module.tree)] == []


def test_modules_are_short_enough_to_be_read_at_once() -> None:
    """Longer ones have two purposes."""
    long = {module.path: module.lines for module in modules() if module.lines > LONGEST_MODULE}
    assert {path: lines for path, lines in long.items() if path not in LONG_MODULES} == {}


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield f"{module.path}:{node.name}", node


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement after the docstring to the last."""
    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def test_function_bodies_are_short() -> None:
    """An exception needs a reason, and goes when it is no longer one."""
    long = {name: body_lines(node) for name, node in functions() if body_lines(node) > LONGEST_BODY}
    assert {name: lines for name, lines in long.items() if name not in LONG_BODIES} == {}
    assert sorted(set(LONG_BODIES) - set(long)) == []


def test_the_rules_above_find_what_they_are_for() -> None:
    """Each finder is shown one offence, so that none of them passes by looking at nothing."""
    tree = ast.parse(
        "from confluent_kafka import Consumer\n"
        "client = Consumer({})\n"
        "later = lambda: Consumer({})\n"
        "class A:\n    registry = make(CollectorRegistry())\n"
        "def f(x=open('a')):\n    return time.time()\n"
    )
    assert ("confluent_kafka.Consumer", 1) in set(imports(tree))
    calls = [
        dotted(node.func)
        for statement in at_import(tree.body)
        for node in without_lambdas(statement)
        if isinstance(node, ast.Call)
    ]
    assert calls == ["Consumer", "make", "CollectorRegistry", "open"]
    assert len(modules()) > 40
    assert "time.time" in {dotted(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
