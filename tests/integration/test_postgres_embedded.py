"""The embedded PostgreSQL: real start, stop, kill -9 and restart."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from connectors.postgres.embedded import EmbeddedPostgres

pytestmark = pytest.mark.integration

NOBODY = 65534


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_dir=tmp_path / "postgres")
    yield server
    server.remove()


def cluster_of(server: EmbeddedPostgres) -> Path:
    return Path(json.loads((server.data_dir / "server.json").read_text())["cluster"])


def run(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement)


def test_committed_rows_survive_kill(server: EmbeddedPostgres) -> None:
    """A killed server recovers on its old URL with every committed row, and no sleep is needed in between."""
    url = server.start()
    run(url, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
    server.kill()
    assert server.running_process() is None
    assert server.start() == url
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT a FROM t").fetchall() == [(1,)]


def test_a_pid_file_of_another_program_does_not_stop_the_start(server: EmbeddedPostgres) -> None:
    """After a reboot the pid in postmaster.pid may be alive and somebody else's: the server starts all the same."""
    server.start()
    server.kill()
    (cluster_of(server) / "postmaster.pid").write_text("1\n")
    assert server.start()


def test_an_interrupted_initialisation_is_done_again(server: EmbeddedPostgres) -> None:
    """A half-made cluster is not taken for a whole one."""
    server.start()
    server.stop()
    cluster = cluster_of(server)
    cluster.rename(cluster.with_name("fresh"))
    (cluster.with_name("fresh") / "PG_VERSION").unlink()
    assert server.start()


def test_a_running_server_is_taken_over(server: EmbeddedPostgres) -> None:
    """A second start on the same directory finds the server that runs."""
    url = server.start()
    process = server.running_process()
    again = EmbeddedPostgres(data_dir=server.data_dir)
    assert again.start() == url
    assert again.running_process() == process


def test_an_ordinary_user_needs_no_other(server: EmbeddedPostgres) -> None:
    """Without root's rights the server runs as whoever starts it, with its data where it was wanted."""
    server.start()  # loads what a user without access to this interpreter's library could not load any more
    server.remove()
    with tempfile.TemporaryDirectory(prefix="masa-ordinary-", dir="/tmp") as folder:
        os.chmod(folder, 0o777)  # noqa: S103 - another user writes here
        home = Path(folder) / "postgres"
        assert as_ordinary_user(lambda: start_kill_and_start(EmbeddedPostgres(data_dir=home)))
        assert Path(json.loads((home / "server.json").read_text())["cluster"]) == home.resolve() / "cluster" / "data"


def start_kill_and_start(server: EmbeddedPostgres) -> bool:
    url = server.start()
    server.kill()
    try:
        return server.start() == url
    finally:
        server.stop()


def as_ordinary_user(action: Callable[[], bool]) -> bool:
    """The answer of `action` in a process without root's rights."""
    child = os.fork()
    if child == 0:
        answer = False
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            answer = action()
        finally:
            os._exit(0 if answer else 1)
    return os.waitpid(child, 0)[1] == 0


def test_nobody_gets_in_without_the_password(server: EmbeddedPostgres) -> None:
    """The loopback interface is shared by all users of the machine, so there is no passwordless way in."""
    url = server.start()
    secret = (server.data_dir / "password").read_text().strip()
    assert (server.data_dir / "password").stat().st_mode & 0o077 == 0
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(url.replace(secret, "guess"), connect_timeout=5)


def test_values_of_failed_statements_are_not_logged(server: EmbeddedPostgres) -> None:
    """What a statement was about stays out of the server's log, even when the statement fails."""
    url = server.start()
    run(url, "CREATE TABLE t (a int PRIMARY KEY, b text)")
    with (
        psycopg.connect(url) as connection,
        pytest.raises(psycopg.DataError),
        connection.cursor() as cursor,
        cursor.copy("COPY t FROM STDIN") as copy,
    ):
        copy.write("canary-5151\tx\n")
    with psycopg.connect(url) as connection, pytest.raises(psycopg.DataError):
        connection.execute("SELECT 'canary-5252'::int")
    log = server.log_file.read_text()
    assert "ready to accept connections" in log
    assert "canary" not in log


def test_each_module_gets_an_empty_database(postgres: str) -> None:
    """The `postgres` fixture names a database with no table in it."""
    with psycopg.connect(postgres) as connection:
        count = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert connection.execute(count).fetchone() == (0,)
