"""Whether an event may be published: every rule of the contract that its schema alone cannot state.

The rules, each named by its `RejectReason`:

- `UNKNOWN_ENUM`, `TYPE_MISMATCH`, `REQUIRED_FIELD`: the datum has the shape of its schema; what must be stated is
  (purpose, urgency, regime, address protection, publisher's category are never UNKNOWN); the catalogue's required
  fields are there; a judgement names somebody, and a ground when it withholds (L-02, L-03); an allegation names the
  setting of the accused if that has a URN (P-16).
- `IDENTIFIER`: every identifier has its right form (I-02, I-03); `TEXT_TOO_LONG`: texts keep their limits (E-04).
- `TIME`: occurred ≤ recorded ≤ published ≤ received (+ 5 minutes); every time lies between 1900 and 2100; the child
  is not born in the future nor more than 26 years ago (care leavers are supported to 25), or not born at all.
- `GATEWAY_MISSING`, `GATEWAY_NOT_PERMITTED`, `GATEWAY_CONDITIONS`, `PUBLISHER_NOT_PERMITTED`: legal basis (L-01, L-05,
  L-06) and publisher fit the type's catalogue entry.
- `REFUGE_ADDRESS`: a refuge's address never enters the exchange (P-03).
- `UNKNOWN_SCHEMA`: the envelope names the type and version that it is encoded as.

No message repeats a value of the event.
"""

from __future__ import annotations

from schemas.errors import FieldProblem
from schemas.event_rules import EVENT_RULES, Context
from schemas.field_rules import field_problems
from schemas.registry import EventType
from schemas.shape import shape_problems
from schemas.wire import Datum


def validate(
    event_type: EventType, datum: Datum, *, received_at_ms: int, allow_synthetic: bool = True
) -> list[FieldProblem]:
    """Every problem of an event; empty when it may be published.

    `received_at_ms` is when the exchange got it, milliseconds UTC. `allow_synthetic=False` (production) refuses NHS
    numbers of the test range. An event without the right shape gets its shape's problems only.
    """
    if problems := shape_problems(event_type.wire, datum):
        return problems
    context = Context(event_type, datum, datum["envelope"], received_at_ms)
    problems = [problem for rule in EVENT_RULES for problem in rule(context)]
    problems.extend(field_problems(event_type, datum, allow_synthetic=allow_synthetic))
    return problems
