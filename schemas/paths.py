"""Sets of leaf paths written short: a record's path stands for every leaf below it.

`masa-withheld` headers and audit records use the short form; `expand` gives the leaves back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def collapse(chosen: Iterable[str], leaves: Sequence[str]) -> tuple[str, ...]:
    """The shortest list of paths that covers exactly `chosen`, in schema order.

    `leaves` are all leaf paths of the event type in schema order; unknown paths raise `KeyError`.
    """
    wanted = frozenset(chosen)
    if unknown := wanted.difference(leaves):
        raise KeyError(min(unknown))
    below: dict[str, set[str]] = {}
    for leaf in leaves:
        for record in _ancestors(leaf):
            below.setdefault(record, set()).add(leaf)
    whole = {record for record, inside in below.items() if inside <= wanted}
    short: dict[str, None] = {}
    for leaf in leaves:
        if leaf in wanted:
            short[next((r for r in _ancestors(leaf) if r in whole), leaf)] = None
    return tuple(short)


def expand(short: Iterable[str], leaves: Sequence[str]) -> tuple[str, ...]:
    """Every leaf that `short` covers, in schema order. A path the schema does not have is kept as it is."""
    paths = tuple(short)
    covered = {leaf for leaf in leaves for path in paths if leaf == path or leaf.startswith(path + ".")}
    unknown = [p for p in paths if not any(leaf == p or leaf.startswith(p + ".") for leaf in leaves)]
    return (*(leaf for leaf in leaves if leaf in covered), *unknown)


def _ancestors(leaf: str) -> list[str]:
    """Paths of the records that hold a leaf, outermost first."""
    parts = leaf.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts))]
