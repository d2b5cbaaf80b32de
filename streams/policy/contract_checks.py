"""What must hold between an area and the event contract: types and fields exist, no share exceeds its role.

`expand` turns a path of a projection into the single fields it names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemas.vocabulary import FieldClass
from streams.policy.contract import EventTypeLike, EventTypesLike, LeafLike
from streams.policy.follow_up_checks import check_follow_up_events
from streams.policy.located import Path, Problem, nearest
from streams.policy.model import Area, ProjectionModel, RuleModel, at
from streams.policy.words import Effect

CONCERNS = "envelope.concerns"


def expand(path: str, kind: EventTypeLike) -> tuple[LeafLike, ...]:
    """The fields that `path` names: itself, or all fields of the record it names. Empty if there is none."""
    inside = path + "."
    return tuple(leaf for leaf in kind.leaves if leaf.path == path or leaf.path.startswith(inside))


def check_contract(area: Area, event_types: EventTypesLike) -> list[Problem]:
    """Unknown event types and fields, CONTROL fields in a share, shares above their role's ceiling."""
    checker = _Checker(area, event_types)
    found = [*checker.scopes(), *checker.projections(), *checker.rules(), *checker.cases()]
    return [*found, *check_follow_up_events(area, event_types)]


class _Checker:
    """Checks of one area; remembers what each combination of share, type and role came to."""

    def __init__(self, area: Area, event_types: EventTypesLike) -> None:
        self._area, self._types = area, event_types
        self._names = tuple(event_types)
        self._above: dict[tuple[str, str, str], tuple[tuple[str, str], ...]] = {}

    def scopes(self) -> Iterator[Problem]:
        for agency in self._area.agencies:
            if agency.contract is not None:
                path: Path = ("contract", "scope", "eventTypes")
                yield from self._unknown_types("agencies", agency.id, path, agency.contract.scope.event_types)

    def projections(self) -> Iterator[Problem]:
        used: dict[str, set[str]] = {}
        for rule in self._area.rules:
            used.setdefault(rule.share or "", set()).update(rule.events)
        for name, projection in self._area.projections.items():
            yield from self._unknown_types("projections", name, ("events",), tuple(projection.events))
            for type_name, paths in projection.events.items():
                kind = self._types.get(type_name)
                if kind is not None:
                    yield from self._paths(name, ("events", type_name), paths, kind)
            yield from self._common(name, projection, used.get(name, set()))

    def _common(self, name: str, projection: ProjectionModel, types: set[str]) -> Iterator[Problem]:
        """Common fields must be in every type that the projection is used for."""
        told: set[str] = set()
        for type_name in sorted(types | set(projection.events)):
            kind = self._types.get(type_name)
            for problem in () if kind is None else self._paths(name, ("common",), projection.common, kind):
                if problem.key not in told:
                    told.add(problem.key)
                    yield problem

    def _paths(self, name: str, at_: Path, paths: Sequence[str], kind: EventTypeLike) -> Iterator[Problem]:
        for i, path in enumerate(paths):
            leaves = expand(path, kind)
            if not leaves:
                yield at(self._area, "projections", name, (*at_, i), f"`{kind.name}` has no field `{path}`",
                         nearest(path, _paths_of(kind)))  # fmt: skip
            elif any(FieldClass.CONTROL in leaf.classes for leaf in leaves):
                yield at(self._area, "projections", name, (*at_, i), f"`{path}` is an instruction to the exchange",
                         "remove it: CONTROL fields are never shared")  # fmt: skip

    def rules(self) -> Iterator[Problem]:
        for rule in self._area.rules:
            yield from self._unknown_types("rules", rule.id, ("events",), rule.events)
            yield from self._concerns(rule)
            if rule.effect is Effect.ALLOW:
                yield from self._ceiling(rule)

    def _concerns(self, rule: RuleModel) -> Iterator[Problem]:
        """Concern codes are an enum of the contract; a misspelt one would never hold, silently."""
        asked = rule.when.concerns or ()
        known = {code for name in rule.events for code in self._concern_codes(name)} if asked else set()
        for i, code in enumerate(asked):
            if code not in known:
                yield at(self._area, "rules", rule.id, ("when", "concerns", i), f"there is no concern `{code}`",
                         nearest(code, known))  # fmt: skip

    def _concern_codes(self, type_name: str) -> tuple[str, ...]:
        kind = self._types.get(type_name)
        node = next((leaf.node for leaf in kind.leaves if leaf.path == CONCERNS), None) if kind else None
        items = node.get("items") if isinstance(node, dict) else None
        return tuple(items.get("symbols", ())) if isinstance(items, dict) else ()

    def _ceiling(self, rule: RuleModel) -> Iterator[Problem]:
        for type_name in rule.events:
            above = self._above_ceiling(rule.share or "", type_name, rule.to.role)
            if above:
                fields = ", ".join(f"`{path}` ({classes})" for path, classes in above[:3])
                more = f" and {len(above) - 3} more" if len(above) > 3 else ""
                yield at(self._area, "rules", rule.id, ("share",),
                         f"`{rule.share}` gives role `{rule.to.role}` more than it may hold of "
                         f"`{type_name}`: {fields}{more}",
                         "use a smaller projection, or have the partnership raise the role's classes")  # fmt: skip

    def _above_ceiling(self, share: str, type_name: str, role: str) -> tuple[tuple[str, str], ...]:
        key = (share, type_name, role)
        if key not in self._above:
            kind, projection = self._types.get(type_name), self._area.projections.get(share)
            held = self._area.spec.roles.get(role)
            found: list[tuple[str, str]] = []
            if kind is not None and projection is not None and held is not None:
                ceiling = {*held.classes, FieldClass.ROUTING}
                for path in (*projection.common, *projection.events.get(type_name, ())):
                    for leaf in expand(path, kind):
                        over = sorted(leaf.classes - ceiling - {FieldClass.CONTROL})
                        if over:
                            found.append((leaf.path, ", ".join(over)))
            self._above[key] = tuple(dict.fromkeys(found))
        return self._above[key]

    def cases(self) -> Iterator[Problem]:
        for case in self._area.cases:
            yield from self._unknown_types("cases", case.name, ("event", "type"), (case.event.type,))
            kind = self._types.get(case.event.type)
            if kind is None:
                continue
            for i, expected in enumerate(case.expect):
                for key, paths in (("gets", expected.gets), ("withheld", expected.withheld)):
                    for j, path in enumerate(paths):
                        if not expand(path, kind):
                            yield at(self._area, "cases", case.name, ("expect", i, key, j),
                                     f"`{kind.name}` has no field `{path}`",
                                     nearest(path, _paths_of(kind)))  # fmt: skip

    def _unknown_types(self, kind: str, identity: str, path: Path, names: Sequence[str]) -> Iterator[Problem]:
        for i, name in enumerate(names):
            if self._types.get(name) is None:
                here = (*path, name) if path == ("events",) and kind == "projections" else (*path, i)
                yield at(self._area, kind, identity, here, f"there is no event type `{name}`",
                         nearest(name, self._names))  # fmt: skip


def _paths_of(kind: EventTypeLike) -> list[str]:
    """Every field and every record of the type."""
    out: list[str] = []
    for leaf in kind.leaves:
        parts = leaf.path.split(".")
        out.extend(".".join(parts[: i + 1]) for i in range(len(parts)))
    return out
