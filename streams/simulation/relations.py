"""The adults and children around a child: who lives there, who is a person of concern (E-03)."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

_PERSON_OF_CONCERN = 0.35  # share of households with somebody who may be a risk


class Relation(NamedTuple):
    """One related person, in the words of the contract's `RelatedPerson`."""

    role: str
    relationship: str
    contact_level: str
    ref: str

    def datum(self) -> dict[str, str]:
        return {
            "role": self.role,
            "relationship": self.relationship,
            "contactLevel": self.contact_level,
            "ref": self.ref,
        }


def relations_of(rng: Random, *, looked_after: bool) -> tuple[Relation, ...]:
    """The people around one child."""
    found = []
    contact = "SUPERVISED" if looked_after else "LIVES_WITH"
    concern = rng.random() < _PERSON_OF_CONCERN
    if looked_after:
        carer = rng.choice(("FOSTER_CARER", "FOSTER_CARER", "RESIDENTIAL_WORKER", "SPECIAL_GUARDIAN"))
        found.append(Relation("CARER", carer, "LIVES_WITH", _ref(rng)))
    found.append(Relation("ADULT_VICTIM" if concern else "CARER", "MOTHER", contact, _ref(rng)))
    if concern:
        who = rng.choice(("FATHER", "STEP_PARENT", "PARENTS_PARTNER", "PARENTS_EX_PARTNER", "LODGER", "OTHER_RELATIVE"))
        level = rng.choice(("LIVES_WITH", "REGULAR", "OCCASIONAL", "SUPERVISED", "PROHIBITED_BY_ORDER"))
        found.append(Relation("PERSON_OF_CONCERN", who, level, _ref(rng)))
    elif rng.random() < 0.6:
        found.append(Relation("CARER", "FATHER", rng.choice((contact, "REGULAR", "OCCASIONAL")), _ref(rng)))
    return tuple(found)


def _ref(rng: Random) -> str:
    return f"P-{rng.randrange(10**6):06d}"
