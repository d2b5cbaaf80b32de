"""People and proposals at the command line: who may sign what, before any exchange is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors.errors import ChangeSettings
from connectors.settings import Settings
from streams.cli.main import app
from streams.cli.people import demo_key_file, demo_signers, ensure_demo_people, known_signatories
from streams.cli.proposals import Proposal, changes, read_proposal, write_proposal
from streams.cli.runtime import Refused
from streams.cli.scrape import parse
from streams.cli.slots import state_of
from streams.policy.statement import Statement
from streams.routing.signers import DEMO_PEOPLE, signed_by
from tests.unit.policy.builders import allow, area, artefact

(LEAD, _), (DPO, _) = DEMO_PEOPLE
ONE = artefact(area([allow("one", "front-door", "area"), allow("old", "front-door", "area")]))
TWO = artefact(area([allow("one", "front-door", "area", reason="another"), allow("new", "front-door", "area")]))


@pytest.fixture
def found(tmp_path: Path) -> Settings:
    """A data directory with the two demo people of area `north`, and no exchange."""
    settings = Settings.load(tmp_path, {})
    assert ensure_demo_people(settings, "north")
    return settings


def sign(found: Settings, *arguments: str) -> tuple[int, str]:
    """`masa rules sign`; its exit status and what it said."""
    done = CliRunner().invoke(app, ["rules", "sign", *arguments, "--data-dir", str(found.data_dir)])
    said = f"{done.stdout}{done.stderr}{done.exception or ''}"
    return done.exit_code, said


def of(found: Settings, name: str) -> tuple[str, ...]:
    return ("--as", name, "--key", str(demo_key_file(found.data_dir, name)))


def test_the_demo_people_are_made_once(found: Settings) -> None:
    """New keys would void what the old ones signed."""
    before = found.signatories_file.read_text()
    assert not ensure_demo_people(found, "north")
    assert found.signatories_file.read_text() == before
    signers = demo_signers(found)
    assert signers is not None
    assert [each.name for each in signers] == [LEAD, DPO]


def test_another_areas_list_is_not_taken_over(found: Settings) -> None:
    """A data directory belongs to one area."""
    with pytest.raises(ChangeSettings, match="signatories of `north`, not of `south`"):
        ensure_demo_people(found, "south")


def test_a_list_of_other_people_is_left_alone(found: Settings, tmp_path: Path) -> None:
    """`masa up` cannot sign for people whose keys it has not got."""
    demo_key_file(found.data_dir, DPO).unlink()
    assert demo_signers(found) is None


def test_two_people_sign_one_file_in_turn(found: Settings, tmp_path: Path) -> None:
    """The second sees what the first signed; a third time by the same person is refused."""
    compiled, file = tmp_path / "rules.json", tmp_path / "p.json"
    compiled.write_bytes(ONE.content)
    first = (str(compiled), *of(found, LEAD), "--sequence", "4", "--reason", "agreed", "-o", str(file))
    assert sign(found, *first)[0] == 0
    assert "signed it already" in sign(found, str(file), *of(found, LEAD))[1]
    status, said = sign(found, str(file), *of(found, DPO))
    assert status == 0
    for part in ("sequence      4", ONE.hash, "agreed", f"{LEAD} (1 of 2)", "2 rules"):
        assert part in said
    proposal = read_proposal(file)
    assert [each.signatory for each in proposal.signed.signatures] == [LEAD, DPO]
    assert proposal.artefact == ONE


def test_a_second_signer_cannot_change_what_the_first_signed(found: Settings, tmp_path: Path) -> None:
    """Neither by an option nor by an editor."""
    signers = demo_signers(found)
    assert signers is not None
    file = tmp_path / "p.json"
    statement = Statement(area="north", sequence=4, rule_set=ONE.hash, reason="agreed")
    write_proposal(file, Proposal(signed_by(statement, signers[:1]), ONE))
    assert "the statement is fixed" in sign(found, str(file), *of(found, DPO), "--reason", "mine")[1]
    document = json.loads(file.read_text())
    document["statement"]["sequence"] = 9
    file.write_text(json.dumps(document))
    status, said = sign(found, str(file), *of(found, DPO))
    assert (status, "was changed" in said) == (1, True)


SPOILT = {
    "another rule set": (lambda document, other: document | {"artefact": other["artefact"]}, "the statement names"),
    "cut short": (lambda document, _: document | {"artefact": document["artefact"][:-40]}, "cut short|base64"),
    "no rule set": (lambda document, _: {k: v for k, v in document.items() if k != "artefact"}, "cut short"),
    "more": (lambda document, _: document | {"x": 1}, "has no `x`"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_proposal_is_refused(name: str, tmp_path: Path) -> None:
    """With the file's name and what is wrong."""
    spoil, said = SPOILT[name]
    documents = []
    for each in (ONE, TWO):
        statement = Statement(area="north", sequence=4, rule_set=each.hash, reason="agreed")
        write_proposal(tmp_path / "p.json", Proposal(signed_by(statement, []), each))
        documents.append(json.loads((tmp_path / "p.json").read_text()))
    (tmp_path / "p.json").write_text(json.dumps(spoil(*documents)))
    with pytest.raises(Refused, match=said):
        read_proposal(tmp_path / "p.json")


WRONG = [
    (("--as", "nobody"), "is no signatory of `north`"),
    (("--key", "{dpo}"), "is not the one listed for"),
    (("--key", "nowhere.pem"), "no signing key in"),
    (("--sequence", "first"), "neither a number nor `next`"),
    (("--sequence", "next"), "needs a running exchange"),
    (("--sequence", "0"), "must be 1 or more"),
    (("--activate-at", "soon"), "--activate-at `soon`"),
    (("--reason", " "), "1 to 500 characters"),
]


@pytest.mark.parametrize(("change", "said"), WRONG, ids=[said for _, said in WRONG])
def test_what_is_wrong_with_a_signature_is_said_before_anything_is_signed(
    change: tuple[str, str], said: str, found: Settings, tmp_path: Path
) -> None:
    """And no proposal is written."""
    compiled, out = tmp_path / "rules.json", tmp_path / "p.json"
    compiled.write_bytes(ONE.content)
    value = change[1].replace("{dpo}", str(demo_key_file(found.data_dir, DPO)))
    given = {"--as": LEAD, "--key": str(demo_key_file(found.data_dir, LEAD)), "--sequence": "1", "--reason": "agreed"}
    options = [part for pair in (given | {change[0]: value}).items() for part in pair]
    status, answer = sign(found, str(compiled), *options, "-o", str(out))
    assert status != 0
    assert said in answer
    assert not out.exists()


def test_a_summary_names_what_differs_from_the_rule_set_in_force() -> None:
    """By the names of the parts; their meaning is the diff's."""
    said = "\n".join(changes(TWO, ONE))
    for part in ("1 new: new", "1 gone: old", "1 changed: one"):
        assert part in said
    assert "equal to the rule set in force" in "\n".join(changes(ONE, ONE))
    assert "with nothing" in "\n".join(changes(ONE, None))


def test_keygen_prints_an_entry_and_keeps_the_key(tmp_path: Path) -> None:
    """The entry makes a list that the router reads."""
    path = tmp_path / "asha.pem"
    arguments = ["rules", "keygen", "asha-patel", "--role", "policy lead", "-o", str(path), "--area", "north"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.stderr
    (tmp_path / "signatories.yaml").write_text(done.stdout)
    listed = known_signatories(Settings.load(tmp_path, {}))
    assert listed is not None
    assert [each.name for each in listed.people] == ["asha-patel"]
    assert path.read_text().splitlines()[1] not in done.stdout + done.stderr


def test_a_slot_is_told_from_other_processes_by_its_metrics() -> None:
    """Only routers follow the policy."""
    page = 'masa_process_info{{process="{}",version="1"}} 1\nmasa_process_ready 1\nmasa_policy_version 3\n'
    numbers = "masa_policy_scheduled_version 4\nmasa_policy_read_offset 17\nmasa_policy_stops 2\n"
    state = state_of(parse(page.format("router-1") + numbers))
    assert state is not None
    assert (state.name, state.ready, state.version, state.scheduled, state.offset, state.stops) == (
        "router-1", True, 3, 4, 17, 2,
    )  # fmt: skip
    assert state_of(parse(page.format("ledger"))) is None
