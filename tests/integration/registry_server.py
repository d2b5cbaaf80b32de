"""A real Confluent-compatible registry, Apicurio from Maven Central, started for a test."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from connectors.kafka.distribution import default_cache_dir, find_java
from connectors.ports import free_ports
from connectors.waiting import wait_until

VERSION = "3.0.9"
ARTEFACT = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"
START_SECONDS = 120.0
FETCH_SECONDS = 600


@contextmanager
def running_registry(folder: Path) -> Iterator[str]:
    """URL of its Confluent-compatible interface. It keeps everything in memory."""
    (port,) = free_ports(1)
    jar = _jar()
    command = (
        str(find_java()),
        "-Xmx256m",
        f"-Dquarkus.http.port={port}",
        "-Dquarkus.http.host=127.0.0.1",
        "-jar",
        str(jar),
    )
    url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
    with (folder / "registry.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_until(lambda: _answers(url, process), timeout=START_SECONDS, what="the schema registry's answer")
            yield url
        finally:
            process.terminate()
            process.wait(30)


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the schema registry ended"
    try:
        return httpx.get(f"{url}/subjects").status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _jar() -> Path:
    """Fetched once into the user's cache, whole or not at all."""
    home = default_cache_dir().with_name("registry") / VERSION
    jar = home / f"apicurio-registry-app-{VERSION}-runner.jar"
    if not jar.exists():
        draft = home.with_name(f"{VERSION}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        get = ("mvn", "-q", "-B", "dependency:copy", f"-Dartifact={ARTEFACT}", f"-DoutputDirectory={draft}")
        subprocess.run(get, check=True, timeout=FETCH_SECONDS)
        (archive,) = draft.glob("*.tar.gz")
        with tarfile.open(archive) as packed:
            packed.extractall(draft, filter="data")
        archive.unlink()
        shutil.rmtree(home, ignore_errors=True)
        draft.rename(home)
    return jar
