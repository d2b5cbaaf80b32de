"""Which roles a caller acts in: its own, and those handed to it while somebody is away (D-09)."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.http.values import Caller, Delegation, FieldProblem, Refused
from connectors.postgres import gateway_people
from connectors.postgres.connection import Connection
from connectors.postgres.gateway_people import DelegationRow
from connectors.postgres.outbox import enqueue
from schemas.vocabulary import UNMANNED_ROLES, RejectReason
from streams.gateway import records
from streams.gateway.parts import UUID, Parts

LONGEST_DAYS = 92  # a term and its holidays; who is away for longer needs a successor
_DAY_MS = 86_400_000
_LONGEST_SUBJECT = 200


class Deputies:
    """Safe from any thread."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def roles(self, connection: Connection, caller: Caller) -> frozenset[str]:
        """Every role that the caller, a person, acts in now. What was delegated cannot be delegated further.

        No person acts in a role of the exchange itself, whatever their token says: nobody is shown a heartbeat.
        """
        me = self._parts.actor(caller)
        rows = gateway_people.in_force(connection, caller.agency, me, caller.roles, now=self._parts.now())
        return (caller.roles | {row.role for row in rows if row.person != me}) - UNMANNED_ROLES

    def delegate(
        self, caller: Caller, role: str, *, to_role: str | None, to_subject: str | None, until: int
    ) -> Delegation | Refused:
        """As the port says."""
        now = self._parts.now()
        if caller.kind != "person" or "inbox" not in caller.scopes:
            return Refused("NOT_PERMITTED", "only a person can hand a role over")
        problem = self._problem(caller, role, to_role, to_subject, until - now)
        if problem is not None:
            return Refused("INVALID", problem.detail, (problem,))
        me = self._parts.actor(caller)
        to_person = None if to_subject is None else records.person(self._parts.pseudonymiser, caller.agency, to_subject)
        row = DelegationRow(records.new_id(), caller.agency, me, role, to_role, to_person, now, until)
        with self._parts.pool.transaction() as connection:
            gateway_people.give(connection, row)
            details = {"role": role, "to": to_role or "person", "until": str(until)}
            told = records.operation(
                caller,
                me,
                records.DELEGATED,
                row.delegation_id,
                now,
                operation_id=records.named_id("delegated", row.delegation_id),
                details=details,
            )
            enqueue(connection, [told])
        return _shown(row, me)

    def delegations(self, caller: Caller) -> Sequence[Delegation]:
        """As the port says."""
        if caller.kind != "person":
            return ()
        me = self._parts.actor(caller)
        with self._parts.pool.transaction() as connection:
            rows = gateway_people.in_force(connection, caller.agency, me, caller.roles, now=self._parts.now())
        return tuple(_shown(row, me) for row in rows)

    def end(self, caller: Caller, delegation_id: str) -> bool:
        """As the port says."""
        if not UUID.fullmatch(delegation_id):
            return False
        me, now = self._parts.actor(caller), self._parts.now()
        with self._parts.pool.transaction() as connection:
            if not gateway_people.end(connection, caller.agency, me, delegation_id, now=now):
                return False
            told = records.operation(
                caller,
                me,
                records.DELEGATION_ENDED,
                delegation_id,
                now,
                operation_id=records.named_id("delegation-ended", delegation_id),
            )
            enqueue(connection, [told])
        return True

    def _problem(
        self, caller: Caller, role: str, to_role: str | None, to_subject: str | None, lasting_ms: int
    ) -> FieldProblem | None:
        entry = self._parts.rules.now().agencies.get(caller.agency)
        known = set() if entry is None else set(entry["roles"])
        if role not in caller.roles or role not in known:
            return _wrong("/role", "not a role of yours", "a role that you hold yourself")
        if (to_role is None) == (to_subject is None):
            return _wrong("/toRole", "one deputy is needed", "either a role or a colleague")
        if to_role is not None and (to_role not in known or to_role == role):
            return _wrong("/toRole", "not another role of your agency", "one of: " + ", ".join(sorted(known - {role})))
        if to_subject is not None and not (0 < len(to_subject) <= _LONGEST_SUBJECT and to_subject.isprintable()):
            return _wrong("/toPerson", "not the id of a colleague", "the name with which your colleague signs in")
        if to_subject == caller.subject:
            return _wrong("/toPerson", "is yourself", "a colleague")
        if not 0 < lasting_ms <= LONGEST_DAYS * _DAY_MS:
            return _wrong("/until", "not a day to come", f"at most {LONGEST_DAYS} days from now")
        return None


def _shown(row: DelegationRow, me: str) -> Delegation:
    return Delegation(row.delegation_id, row.role, row.to_role, row.to_person is not None, row.until, row.person == me)


def _wrong(pointer: str, message: str, expected: str) -> FieldProblem:
    return FieldProblem(pointer, RejectReason.TYPE_MISMATCH.value, message, expected)
