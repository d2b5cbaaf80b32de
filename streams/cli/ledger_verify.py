"""`masa ledger verify`, `checkpoints` and `keygen`: whether the ledger is still what was written, and signed."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.runtime import (
    DEFAULT_DATA_DIR,
    AsJson,
    BadUsage,
    DataDir,
    Exit,
    emit,
    environment,
    instant,
    say,
    settings,
    table,
    write,
)

if TYPE_CHECKING:
    from connectors.settings import Settings
    from connectors.signing import SigningKey
    from streams.ledger.checkpoint import Signed

LEDGER_KEY_FILE = "ledger.pem"
KEY_VARIABLE = "MASA_LEDGER_KEY_FILE"
PUBLIC_KEY_BYTES = 32


def ledger_key_file(data_dir: Path) -> Path:
    """Where the key is that signs checkpoints."""
    from connectors.settings import SECRETS_DIR

    given = environment().get(KEY_VARIABLE)
    return Path(given) if given else data_dir / SECRETS_DIR / LEDGER_KEY_FILE


def ledger_key(data_dir: Path) -> SigningKey:
    """The key that signs checkpoints. Raises ChangeSettings: a ledger is never kept unsigned."""
    from connectors.errors import ChangeSettings
    from connectors.signing import read_key

    file = ledger_key_file(data_dir)
    if not file.is_file():
        raise ChangeSettings(
            f"no key in `{file}` to sign the ledger's checkpoints with: `masa ledger keygen` makes one, "
            f"{KEY_VARIABLE} names it"
        )
    return read_key(file)


def ensure_ledger_key(data_dir: Path) -> None:
    """A key for the exchange of one machine, made once."""
    from connectors.signing import new_key

    if not ledger_key_file(data_dir).is_file():
        new_key().write(ledger_key_file(data_dir))


def keygen(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where to keep the private key.")],
) -> None:
    """Make the Ed25519 key that signs the ledger's checkpoints, and print its public half.

    Give the private key to `masa ledger run` alone (MASA_LEDGER_KEY_FILE), and the public half to whoever
    shall be able to check: with it nobody can sign.

    [bold]Example[/bold]

    \b
      masa ledger keygen --out /etc/masa/ledger.pem > ledger.pub
    """
    from base64 import b64encode

    from connectors.signing import new_key

    key = new_key()
    key.write(out)
    say(f"the private key is in {out}; this is its public half:")
    write(b64encode(key.public_key).decode() + "\n")


def verify(
    public_key: Annotated[
        list[str] | None,
        typer.Option("--public-key", metavar="BASE64", help="Key that signs; repeat it for one that was replaced."),
    ] = None,
    checkpoints: Annotated[
        Path | None,
        typer.Option("--checkpoints", metavar="FILE", help="An auditor's copy instead of the topic: NDJSON."),
    ] = None,
    rebuilt: Annotated[
        bool, typer.Option("--rebuilt", help="Accept that this ledger begins after some signed records.")
    ] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Prove that the ledger is what was written: rows against the hash chain, the chain against signed checkpoints.

    Each row that was changed, removed, put in or moved is named. Whoever rewrites rows and chain together is
    contradicted by the next checkpoint, which names the stretch; then `masa ledger reconcile` compares with
    the audit stream row by row. Can be run while the ledger is written to. Exit status 1 when anything differs.

    [bold]Examples[/bold]

    \b
      masa ledger verify
      masa ledger verify --public-key "$(cat ledger.pub)" --json
      DATABASE_URL=postgresql://… masa ledger verify --checkpoints checkpoints.ndjson --public-key …
    """
    from connectors.signing import verify as ed25519
    from streams.ledger.audit import audit_row_reader
    from streams.ledger.verify import Kind
    from streams.ledger.verify_read import verify_database

    found = settings(data_dir)
    keys = _keys(public_key, data_dir)
    signed = _of_file(checkpoints) if checkpoints else _of_topic(found)
    report = verify_database(
        found.database(), audit_row_reader(), signed, keys, ed25519, lambda rows: say(f"{rows:,} rows")
    )
    counting = [each for each in report.differences if not (rebuilt and each.kind is Kind.BEFORE)]
    if as_json:
        names = ("kind", "partition", "offset", "what")
        differences = [dict(zip(names, each, strict=True)) for each in report.differences]
        counts = {"rows": report.rows, "signed": report.signed, "checkpoints": report.checkpoints}
        emit({**counts, "differences": differences, "unlisted": report.unlisted})
    else:
        for each in report.differences:
            write(each.describe() + "\n")
        said = "the ledger is what was written" if not counting else "the ledger is NOT what was written, see above"
        write(f"{report.rows} rows, {report.signed} of them signed by {report.checkpoints} checkpoints: {said}\n")
    if counting or report.unlisted:
        raise typer.Exit(Exit.NO)


def list_checkpoints(data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """List what was signed of the ledger, oldest first; with --json as an auditor keeps it and `verify` reads it.

    [bold]Example[/bold]

    \b
      masa ledger checkpoints --json > checkpoints.ndjson
    """
    from streams.ledger.checkpoint import shown

    signed = [each for each in _of_topic(settings(data_dir)) if each is not None]
    if as_json:
        for each in signed:
            emit(shown(each.to_bytes()))
        return
    rows = (
        (str(each.checkpoint.sequence), instant(each.checkpoint.at) or "", each.key_id, _reach(each)) for each in signed
    )
    table(None, ("sequence", "at", "key", "reaches"), rows)


def _reach(signed: Signed) -> str:
    return ", ".join(f"[{each.partition}] {each.last}" for each in signed.checkpoint.stretches)


def _keys(given: list[str] | None, data_dir: Path) -> dict[str, bytes]:
    """Public keys by id: those given, or that of this machine's own key."""
    from connectors.signing import key_id_of

    if not given:
        own = ledger_key(data_dir)
        return {own.key_id: own.public_key}
    try:
        keys = [b64decode(each.strip(), validate=True) for each in given]
    except NotBase64:
        keys = [b""]
    if any(len(each) != PUBLIC_KEY_BYTES for each in keys):
        raise BadUsage("--public-key: give the 44 characters that `masa ledger keygen` printed")
    return {key_id_of(each): each for each in keys}


def _of_topic(found: Settings) -> list[Signed | None]:
    from streams.ledger.checkpoints import read_checkpoints

    return read_checkpoints(found.kafka())


def _of_file(path: Path) -> list[Signed | None]:
    from streams.ledger.checkpoint import parse

    try:
        return [parse(line) for line in path.read_bytes().splitlines() if line.strip()]
    except OSError as error:
        raise BadUsage(f"--checkpoints `{path}` cannot be read: {error.strerror}") from None
    except ValueError:
        raise BadUsage(f"--checkpoints `{path}` is not what `masa ledger checkpoints --json` writes") from None
