"""Propositional terms for the solver, with constants folded while they are built.

A term is a plain `bool` or a variable or formula of z3. Most of what a rule set says about one event type and agency is
already decided by the rule set itself, so folding keeps formulas small and lets many questions be answered unasked.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

import z3

Term = Any  # bool | z3.BoolRef


def every(terms: Iterable[Term]) -> Term:
    """True unless one of them is false."""
    open_terms = []
    for term in terms:
        if term is False:
            return False
        if term is not True:
            open_terms.append(term)
    if not open_terms:
        return True
    return open_terms[0] if len(open_terms) == 1 else _joined(z3.Z3_mk_and, open_terms)


def some(terms: Iterable[Term]) -> Term:
    """True if one of them is true."""
    open_terms = []
    for term in terms:
        if term is True:
            return True
        if term is not False:
            open_terms.append(term)
    if not open_terms:
        return False
    return open_terms[0] if len(open_terms) == 1 else _joined(z3.Z3_mk_or, open_terms)


def no(term: Term) -> Term:
    if isinstance(term, bool):
        return not term
    context = z3.main_ctx()
    return z3.BoolRef(z3.Z3_mk_not(context.ref(), term.as_ast()), context)


def _joined(make: Callable[..., Any], terms: list[Term]) -> Term:
    """As `z3.And` and `z3.Or`, which spend three quarters of all time on finding out that terms are terms."""
    context = z3.main_ctx()
    args = (z3.Ast * len(terms))(*(term.as_ast() for term in terms))
    return z3.BoolRef(make(context.ref(), len(terms), args), context)


def variable(name: str) -> Term:
    return z3.Bool(name)


class Dimension:
    """Something about an event that has exactly one of finitely many values, with a variable for each value."""

    def __init__(self, name: str, values: Iterable[Hashable]) -> None:
        self.name = name
        self.values = tuple(dict.fromkeys(values))
        self.variables: Mapping[Any, Term] = {value: variable(f"{name}={value}") for value in self.values}
        self._among: dict[frozenset[Any], Term] = {}

    def among(self, wanted: Iterable[Hashable]) -> Term:
        """Whether the value is one of these; values outside the domain count for nothing."""
        found = frozenset(wanted).intersection(self.variables)
        if len(found) == len(self.values):
            return True
        term = self._among.get(found)
        if term is None:
            term = self._among[found] = some(self.variables[value] for value in self.values if value in found)
        return term

    def is_(self, value: Hashable) -> Term:
        return self.among((value,))

    def exactly_one(self) -> list[Term]:
        """What makes it a dimension."""
        every_value = list(self.variables.values())
        return [z3.Or(every_value), z3.AtMost(*every_value, 1)] if len(every_value) > 1 else every_value

    def value_in(self, model: Any) -> Any:
        """Its value in a model of z3."""
        return next(value for value, var in self.variables.items() if z3.is_true(model.eval(var, True)))
