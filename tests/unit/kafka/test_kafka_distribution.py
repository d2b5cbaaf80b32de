"""Where the local broker's programs come from, with programs of the tests' own in their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.errors import ChangeSettings, JavaMissing, MavenMissing, StartFailed
from connectors.kafka.distribution import POM, class_path, find_java, java_version, silent

ECHO_JAR = 'case "$*" in *outputFile=*) o=${*#*outputFile=}; o=${o%% *};; esac\n'


def program(folder: Path, name: str, script: str) -> str:
    """An executable shell script; the search path on which it is found."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(folder)


@pytest.fixture
def pom(tmp_path: Path) -> Path:
    path = tmp_path / "pom.xml"
    path.write_text("<project/>")
    return path


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    path = tmp_path / "kafka.jar"
    path.touch()
    return path


def counting_maven(folder: Path, jar: Path) -> str:
    """A `mvn` that answers with `jar` and adds a line to `calls`."""
    lines = ("echo called >> " + str(folder / "calls"), "echo 'Downloaded from central: x.jar'")
    return program(folder, "mvn", "\n".join((*lines, ECHO_JAR, f'printf %s "{jar}" > "$o"')))


def test_maven_is_asked_once(tmp_path: Path, pom: Path, jar: Path) -> None:
    """The second start finds the answer in the cache, so it needs neither Maven nor a network."""
    search_path = counting_maven(tmp_path, jar)
    said: list[str] = []
    assert class_path(pom, tmp_path / "cache", said.append, search_path=search_path) == (jar,)
    assert class_path(pom, tmp_path / "cache", said.append, search_path="/nowhere") == (jar,)
    assert (tmp_path / "calls").read_text().splitlines() == ["called"]
    assert said[-1].endswith("1 jars")


def test_a_changed_pom_is_a_new_question(tmp_path: Path, pom: Path, jar: Path) -> None:
    """Another pinned version is never served from the old version's entry."""
    search_path = counting_maven(tmp_path, jar)
    class_path(pom, tmp_path / "cache", silent, search_path=search_path)
    pom.write_text("<project><!-- newer --></project>")
    class_path(pom, tmp_path / "cache", silent, search_path=search_path)
    assert len((tmp_path / "calls").read_text().splitlines()) == 2


def test_jars_that_were_cleared_away_are_fetched_again(tmp_path: Path, pom: Path, jar: Path) -> None:
    """The cache holds paths into Maven's own repository, which people delete."""
    search_path = counting_maven(tmp_path, jar)
    class_path(pom, tmp_path / "cache", silent, search_path=search_path)
    jar.unlink()
    with pytest.raises(StartFailed):
        class_path(pom, tmp_path / "cache", silent, search_path=search_path)
    jar.touch()
    assert class_path(pom, tmp_path / "cache", silent, search_path=search_path) == (jar,)


def test_without_maven_the_message_says_what_to_install(tmp_path: Path, pom: Path) -> None:
    """And how to do without."""
    with pytest.raises(MavenMissing, match=r"install Maven \(Debian.*KAFKA_BOOTSTRAP_SERVERS"):
        class_path(pom, tmp_path / "cache", silent, search_path="/nowhere")


def test_mavens_own_reason_is_passed_on(tmp_path: Path, pom: Path) -> None:
    """A failed download names the log and the first error in it."""
    search_path = program(tmp_path, "mvn", "echo '[INFO] x'; echo '[ERROR] no route to host'; exit 1")
    with pytest.raises(StartFailed, match=r"no route to host.*maven\.log"):
        class_path(pom, tmp_path / "cache", silent, search_path=search_path)


def test_without_the_pom_the_message_says_where_it_comes_from(tmp_path: Path) -> None:
    """An installed package has no deploy folder."""
    with pytest.raises(ChangeSettings, match="clone"):
        class_path(tmp_path / "none.xml", tmp_path / "cache", silent)


def test_without_java_the_message_says_what_to_install() -> None:
    """And how to do without."""
    with pytest.raises(JavaMissing, match=r"openjdk-17.*KAFKA_BOOTSTRAP_SERVERS"):
        find_java(search_path="/nowhere")


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_402"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ("zsh: killed", None),
    ],
)
def test_javas_version_is_read(says: str, version: int | None) -> None:
    """Of old and new releases alike."""
    assert java_version(says) == version


def test_an_old_java_is_refused(tmp_path: Path) -> None:
    """Kafka 4 would fail with a class file version that nobody understands."""
    search_path = program(tmp_path, "java", "echo 'java version \"11.0.2\"' >&2")
    with pytest.raises(JavaMissing, match="is Java 11, too old"):
        find_java(search_path=search_path)


def test_the_pinned_versions_are_exact() -> None:
    """No range and no snapshot: every machine runs the same broker."""
    text = POM.read_text()
    assert "<kafka.version>4.3.1</kafka.version>" in text
    assert "SNAPSHOT" not in text
