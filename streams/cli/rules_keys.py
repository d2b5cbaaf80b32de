"""`masa rules keygen`: a key for a person who signs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.runtime import BadUsage, say, write


def keygen(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Name to sign under, such as asha-patel.")],
    role: Annotated[str, typer.Option("--role", help="What they are, such as `policy lead`.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where to keep the private key.")],
    area: Annotated[str, typer.Option("--area", help="Area whose rules they sign.")] = "northshire",
) -> None:
    """Make an Ed25519 key for somebody who signs rule sets and stops.

    The private key goes into FILE, which only its owner can read; keep it where nobody else gets it. Prints
    the person's entry for the list of signatories, the file that every router is started with.

    [bold]Example[/bold]

    \b
      masa rules keygen asha-patel --role "policy lead" --out ~/asha.pem >> signatories.yaml
    """
    from connectors.signing import new_key
    from streams.policy.signatories import SignatoriesInvalid, parse_signatories
    from streams.routing.signers import Signer, signatories_of

    key = new_key()
    text = signatories_of(area, [Signer(person, role, key)]).to_yaml()
    try:
        parse_signatories(text, "the entry")
    except SignatoriesInvalid as error:
        raise BadUsage(str(error)) from None
    key.write(out)
    say(f"the private key of `{person}` is in {out}; this is the entry for the list of signatories:")
    write(text)
