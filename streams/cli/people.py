"""The people who sign, as the command line finds them: the area's list, and private keys in files."""

from __future__ import annotations

from pathlib import Path

from connectors.errors import ChangeSettings
from connectors.settings import SECRETS_DIR, Settings
from connectors.signing import read_key
from streams.cli.runtime import BadUsage, Refused
from streams.policy.signatories import Signatories, SignatoriesInvalid, parse_signatories
from streams.routing.signers import DEMO_PEOPLE, Signer, signatories_of, throwaway_signers


def required_signatories(found: Settings) -> Signatories:
    """The area's list. Raises ChangeSettings when there is none, or it is wrong."""
    signatories = known_signatories(found)
    if signatories is None:
        raise ChangeSettings(
            f"no list of signatories in `{found.signatories_file}`: `masa up` makes one in its data directory; "
            "elsewhere name the file in MASA_SIGNATORIES_FILE"
        )
    return signatories


def known_signatories(found: Settings) -> Signatories | None:
    """The area's list, None when there is no such file. Raises ChangeSettings when it is wrong."""
    try:
        text = found.signatories_file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ChangeSettings(f"`{found.signatories_file}` cannot be read: {type(error).__name__}") from None
    try:
        return parse_signatories(text, str(found.signatories_file))
    except SignatoriesInvalid as error:
        raise ChangeSettings(str(error)) from None


def signer(signatories: Signatories, name: str, key_file: Path) -> Signer:
    """A listed person with their own key. Raises BadUsage, Refused, ChangeSettings."""
    person = signatories.named(name)
    if person is None:
        known = ", ".join(f"`{each.name}`" for each in signatories.people)
        raise BadUsage(f"--as `{name}` is no signatory of `{signatories.area}`: the list has {known or 'nobody'}")
    key = read_key(key_file)
    if key.public_key != person.public_key:
        raise Refused(f"the key in `{key_file}` is not the one listed for `{name}` (key id {person.key_id})")
    return Signer(person.name, person.role, key)


def demo_key_file(data_dir: Path, name: str) -> Path:
    """Where `masa up` keeps the key of one of its demo people."""
    return data_dir / SECRETS_DIR / f"{name}.pem"


def ensure_demo_people(found: Settings, area: str) -> bool:
    """Make a list of two demo people and their keys, unless there is a list; whether it was made.

    For one machine only: whoever can read the data directory can sign. Raises ChangeSettings when the list that is
    there is for another area.
    """
    signatories = known_signatories(found)
    if signatories is not None:
        if signatories.area != area:
            raise ChangeSettings(
                f"`{found.signatories_file}` lists the signatories of `{signatories.area}`, not of `{area}`: "
                "name another --data-dir, or another list in MASA_SIGNATORIES_FILE"
            )
        return False
    people = throwaway_signers()
    for each in people:
        path = demo_key_file(found.data_dir, each.name)
        path.unlink(missing_ok=True)  # left by a start that was killed before the list was written
        each.key.write(path)
    draft = found.signatories_file.with_name(found.signatories_file.name + ".draft")
    draft.write_text(signatories_of(area, people).to_yaml(), encoding="utf-8")
    draft.replace(found.signatories_file)
    return True


def demo_signers(found: Settings) -> tuple[Signer, ...] | None:
    """The demo people with their keys, None unless the list is theirs."""
    signatories = required_signatories(found)
    files = [(name, demo_key_file(found.data_dir, name)) for name, _ in DEMO_PEOPLE]
    if any(signatories.named(name) is None or not path.is_file() for name, path in files):
        return None
    try:
        return tuple(signer(signatories, name, path) for name, path in files)
    except Refused:
        return None  # a key that is not the listed one: somebody has replaced the list
