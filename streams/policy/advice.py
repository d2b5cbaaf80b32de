"""What compiles and still is not right: advice on areas, as located warnings.

Each kind of advice is a small generator over the same `Reach`; `advise` runs them all. Whatever is said here is true of
every possible event, or of the files themselves; none of it is a guess from a sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from streams.policy.advice_agencies import agencies_advice
from streams.policy.advice_dates import dates_advice
from streams.policy.advice_pairs import pairs_advice
from streams.policy.advice_rules import rules_advice
from streams.policy.advice_unused import unused_advice
from streams.policy.event_space import PublishedType
from streams.policy.findings import Findings
from streams.policy.located import Problem, Severity
from streams.policy.model import Area

Adviser = Callable[[Findings], Iterator[Problem]]
ADVISERS: tuple[Adviser, ...] = (rules_advice, pairs_advice, agencies_advice, dates_advice, unused_advice)


def advise(areas: Sequence[Area], event_types: Mapping[str, PublishedType], day: date) -> tuple[Problem, ...]:
    """Every warning about areas that compile, as of `day` and the days after, in order of file and line."""
    findings = Findings(areas, event_types, day)
    found = {replace(each, severity=Severity.WARNING) for adviser in ADVISERS for each in adviser(findings)}
    return tuple(sorted(found, key=lambda p: (p.file, p.line, p.column, p.key, p.message)))
