"""Where the local broker's programs come from: Java on the PATH, Kafka's jars from Maven Central.

Maven is asked once per content of `deploy/kafka/pom.xml`; the class path it answers is cached, so that the next start
needs neither Maven nor a network.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from connectors.errors import ChangeSettings, JavaMissing, MavenMissing, StartFailed

Progress = Callable[[str], None]

POM = Path(__file__).resolve().parents[2] / "deploy" / "kafka" / "pom.xml"
LOG4J = POM.with_name("log4j2.xml")
JAVA_MINIMUM = 17  # Kafka 4 brokers (KIP-1013)
MAVEN_TIMEOUT_SECONDS = 900
JAVA_HINTS = (
    "Debian and Ubuntu: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17; "
    "Windows: under WSL, as on Ubuntu"
)
MAVEN_HINTS = "Debian and Ubuntu: apt-get install maven; macOS: brew install maven; Windows: under WSL, as on Ubuntu"
INSTEAD = "or set KAFKA_BOOTSTRAP_SERVERS to use a broker that runs already"


class Distribution(NamedTuple):
    """`java` executable and the class path of the pinned Kafka."""

    java: Path
    class_path: tuple[Path, ...]


def silent(message: str) -> None:
    """A `Progress` for callers with nobody watching."""


def default_cache_dir() -> Path:
    return Path.home() / ".cache" / "masa-exchange" / "kafka"


def locate(*, pom: Path = POM, cache_dir: Path | None = None, progress: Progress = silent) -> Distribution:
    """Java and the jars; `progress` gets one short line at a time while Maven downloads.

    Raises `JavaMissing`, `MavenMissing`, `ChangeSettings` (no pom), `StartFailed` (Maven failed).
    """
    return Distribution(find_java(), class_path(pom, cache_dir or default_cache_dir(), progress))


def find_java(*, search_path: str | None = None) -> Path:
    """The `java` on the PATH (or on `search_path`), at least `JAVA_MINIMUM`."""
    java = shutil.which("java", path=search_path)
    install = f"install a Java {JAVA_MINIMUM} runtime ({JAVA_HINTS}), {INSTEAD}"
    if java is None:
        raise JavaMissing(f"java was not found on the PATH and the local Kafka broker needs it: {install}")
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=60)
    found = java_version(answer.stderr + answer.stdout)
    if found is None or found < JAVA_MINIMUM:
        raise JavaMissing(f"`{java}` is Java {found or 'of an unknown version'}, too old: {install}")
    return Path(java)


def java_version(text: str) -> int | None:
    """Feature release from the output of `java -version`: 17 of `"17.0.15"`, 8 of `"1.8.0_402"`."""
    match = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(match.group(1)) if match else None


def class_path(pom: Path, cache_dir: Path, progress: Progress, *, search_path: str | None = None) -> tuple[Path, ...]:
    """The jars `pom` pins, from the cache if it is whole, from Maven otherwise."""
    try:
        key = hashlib.sha256(pom.read_bytes()).hexdigest()[:16]
    except FileNotFoundError:
        raise ChangeSettings(f"`{pom}` is missing: run from a clone of the repository, {INSTEAD}") from None
    entry = cache_dir / key
    entry.mkdir(parents=True, exist_ok=True)
    listing = entry / "classpath"
    with _locked(entry / "lock"):
        jars = _read_listing(listing)
        if not jars:
            _ask_maven(pom, listing, progress, search_path)
            jars = _read_listing(listing)
    if not jars:
        raise StartFailed(f"maven ended without a usable class path: look at `{entry / 'maven.log'}`")
    return jars


def _read_listing(listing: Path) -> tuple[Path, ...]:
    """Empty when there is none, or when a jar it names has been cleared out of Maven's repository since."""
    try:
        jars = tuple(Path(part) for part in listing.read_text().strip().split(":") if part)
    except FileNotFoundError:
        return ()
    return jars if all(jar.is_file() for jar in jars) else ()


def _ask_maven(pom: Path, listing: Path, progress: Progress, search_path: str | None) -> None:
    maven = shutil.which("mvn", path=search_path)
    if maven is None:
        raise MavenMissing(
            "mvn was not found on the PATH and the local Kafka broker's jars are not cached yet: "
            f"install Maven ({MAVEN_HINTS}), {INSTEAD}"
        )
    log = listing.with_name("maven.log")
    fresh = listing.with_name("classpath.new")
    goal = ["dependency:build-classpath", f"-Dmdep.outputFile={fresh}", "-Dmdep.includeScope=runtime"]
    argv = [maven, "--batch-mode", "--file", str(pom), *goal]
    progress("fetching Kafka from Maven Central (first run only)")
    status = _follow(argv, log, progress)
    if status != 0 or not fresh.is_file():
        reason = next((line for line in log.read_text().splitlines() if line.startswith("[ERROR]")), "no reason given")
        raise StartFailed(f"maven could not fetch Kafka ({reason.removeprefix('[ERROR] ')[:300]}): look at `{log}`")
    fresh.replace(listing)  # readers see the old listing or the whole new one


def _follow(argv: list[str], log: Path, progress: Progress) -> int:
    """Run Maven, keep what it says in `log`, report the number of jars fetched."""
    jars = 0
    with (
        log.open("w") as sink,
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as maven,
    ):
        assert maven.stdout is not None  # noqa: S101 - PIPE was asked for two lines above
        for line in maven.stdout:
            sink.write(line)
            if "Downloaded from" in line and ".jar" in line:
                jars += 1
                progress(f"fetching Kafka from Maven Central (first run only): {jars} jars")
        return maven.wait(timeout=MAVEN_TIMEOUT_SECONDS)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two starts at once must not run Maven twice into the same entry."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
