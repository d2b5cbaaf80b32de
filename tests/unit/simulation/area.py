"""A small fictional area for tests of the simulation: every category that publishes, and a neighbour."""

from __future__ import annotations

from schemas.pseudonym import Pseudonymiser
from schemas.registry import load_event_types
from streams.simulation.agencies import Agency
from streams.simulation.bad import BadInput
from streams.simulation.traffic import Traffic

NOW_MS = 1_795_516_200_000  # Tuesday 24 November 2026, 10:30 in England
WEEK_MS = 7 * 24 * 3_600_000
PSEUDONYMS = Pseudonymiser(b"a key for tests of the simulation only")
HOME, UNITARY, NEIGHBOUR = "E10000099", "E06000098", "E06000099"


def agency(
    name: str,
    category: str,
    identifier: tuple[str, str],
    *more: tuple[str, str],
    area: str = "testshire",
    channel: str = "gateway",
    roles: tuple[str, ...] = (),
    authorities: tuple[str, ...] = (HOME, UNITARY),
) -> Agency:
    return Agency(
        id=name,
        name=name.replace("-", " ").title(),
        category=category,
        channel=channel,
        identifiers=(identifier, *more),
        area=area,
        roles=roles,
        authorities=authorities,
    )


def agencies() -> list[Agency]:
    """Two schools of different phases, a nursery, health, justice, councils; a council and a school next door."""
    return [
        agency("test-police", "POLICE", ("GSS", "E23000099"), channel="kafka", roles=("police-safeguarding",)),
        agency("rail-police", "BTP", ("LOCAL", "BTP-N")),
        agency("test-csc", "LA_CSC", ("GSS", HOME), channel="kafka", roles=("front-door",), authorities=(HOME,)),
        agency("unitary-csc", "LA_CSC", ("GSS", UNITARY), roles=("front-door",), authorities=(UNITARY,)),
        agency("test-send", "LA_CSC", ("LOCAL", "T-SEND"), roles=("send-officer", "allocated-team")),
        agency("test-district", "DISTRICT", ("GSS", "E07000099"), channel="kafka"),
        agency("low-primary", "SCHOOL", ("URN", "990001"), ("LAESTAB", "9992001"), roles=("dsl",)),
        agency("high-school", "SCHOOL", ("URN", "990004"), ("LAESTAB", "9994004"), roles=("dsl",)),
        agency("test-college", "COLLEGE", ("URN", "990020"), roles=("dsl",)),
        agency("acorn-nursery", "EARLY_YEARS", ("OFSTED_URN", "EY990001")),
        agency("test-acute", "NHS_FT", ("ODS", "RZ1"), channel="kafka", roles=("ed-safeguarding",)),
        agency("test-surgery", "GP", ("ODS", "Z99001")),
        agency("test-nurses", "HV_SN", ("ODS", "RZ2"), channel="kafka"),
        agency("test-yjs", "YOT", ("LOCAL", "T-YJS"), channel="kafka"),
        agency("test-probation", "PROBATION", ("LOCAL", "T-PDU"), channel="kafka"),
        agency("test-prison", "PRISON", ("PRISON", "ZVI"), channel="kafka"),
        agency("test-identity", "IDENTITY_SERVICE", ("LOCAL", "T-IDS"), channel="kafka"),
        agency("safe-house", "CONTRACTED_VCS", ("CHARITY", "9999001"), roles=("idva", "return-interview-worker")),
        agency(
            "next-csc", "LA_CSC", ("GSS", NEIGHBOUR), area="nextmarch", roles=("front-door",), authorities=(NEIGHBOUR,)
        ),
        agency(
            "next-school",
            "SCHOOL",
            ("URN", "990101"),
            ("LAESTAB", "9982101"),
            area="nextmarch",
            authorities=(NEIGHBOUR,),
        ),
    ]


def traffic(seed: int = 7, households: int = 120) -> Traffic:
    return Traffic(agencies(), load_event_types(), seed, households=households)


def bad_input(seed: int = 7) -> BadInput:
    """Bad input of every kind, those on topics of their own included."""
    return BadInput(traffic(seed), PSEUDONYMS, seed, own_topics=True)
