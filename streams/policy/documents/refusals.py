"""What the exchange refuses whatever an area's rules say, in the words of an agreement.

`LAWS` has one entry for each law of `streams.policy.laws`, under its function's name, so that no law can be added or
taken away without the agreement saying so; a test holds it to that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Refusal(NamedTuple):
    short: str
    words: str
    basis: str  # statute or requirement


LAWS: Mapping[str, Refusal] = {
    "accused_setting": Refusal(
        "The accused person's setting",
        "An allegation about somebody who works with children never reaches the setting where they work, under "
        "whichever of its codes it is known.",
        "P-16",
    ),
    "duty_commenced": Refusal(
        "Before the duty is in force",
        "Nobody receives anything under s16LA before the day on which the duty begins in their own area.",
        "L-09",
    ),
    "duty_basis": Refusal(
        "Bodies outside the duty",
        "A body that is not under the duty on the day, or whose designation has ended, receives nothing under s16LA. "
        "It may receive under another gateway that a rule names.",
        "s16LA(4); L-07",
    ),
    "contract_in_time": Refusal(
        "After a contract has ended",
        "A provider under contract receives nothing after the last day of its contract, under any gateway.",
        "s16LA(4)(c); L-08",
    ),
    "contract_in_scope": Refusal(
        "Outside a contract's scope",
        "A provider under contract receives only the kinds of event that its contract lists.",
        "s16LA(2)(b); L-08",
    ),
    "not_the_source": Refusal(
        "The sender itself",
        "A publisher does not receive its own event back, except the feedback that a rule sends to the publisher.",
        "data minimisation",
    ),
    "restricted_lane": Refusal(
        "Sealed records",
        "An event marked restricted reaches only roles that are cleared for such events. To everybody else not even "
        "its existence is shown.",
        "P-08",
    ),
    "sensitive_service": Refusal(
        "Sensitive services",
        "An event of a sensitive service reaches only recipients whom the publisher has confirmed for this very event.",
        "P-09",
    ),
    "regime_covered": Refusal(
        "The other data-protection regime",
        "Information held for law enforcement under Part 3 of the Data Protection Act 2018 is shared only by rules "
        "that say that they cover it. Nothing changes regime by passing through the exchange.",
        "L-06",
    ),
    "rule_area_commenced": Refusal(
        "Rules of an area before commencement",
        "No rule of an area speaks under s16LA before the day on which the duty begins there.",
        "L-09",
    ),
    "purpose_agreed": Refusal(
        "Purposes that no agreement covers",
        "A rule shares nothing for a purpose that the agreement behind it does not list.",
        "L-01",
    ),
    "agreement_in_force": Refusal(
        "Agreements out of date",
        "A rule shares nothing before the agreement behind it was signed, nor after its review date.",
        "domain catalogue 7.1",
    ),
    "party_to_agreement": Refusal(
        "Strangers to the agreement",
        "A recipient that is not a party to the agreement behind a rule receives nothing under it.",
        "domain catalogue 7.1",
    ),
}

# What is taken out of a delivery that is made; `streams.policy.fields`.
FIELDS: tuple[Refusal, ...] = (
    Refusal(
        "Everything that no rule names",
        "A data item is given only where the rule's data set lists it. A new item in a schema is given to nobody "
        "until a rule names it.",
        "P-01",
    ),
    Refusal(
        "Where a protected child is",
        "When the address is protected in any way, or it is not known whether it is, every locating item and the "
        "code of the home authority are taken out for all but the roles listed in this annex.",
        "P-02",
    ),
    Refusal(
        "Services of a person of concern",
        "A role that serves a person of concern is given no locating, contact or placement item, whatever a rule says.",
        "P-06",
    ),
    Refusal(
        "Signs of a sensitive service",
        "Items that show use of a sexual health or other sensitive service are given only to recipients whom the "
        "publisher has confirmed.",
        "P-09",
    ),
    Refusal(
        "More than a role may hold",
        "Each role has a list of the classes it may ever hold. An item of any other class is taken out, and a rule "
        "that names one does not compile.",
        "P-01",
    ),
    Refusal(
        "The publisher's instructions",
        "Whom a publisher confirmed, withheld from or excluded is told to no recipient.",
        "L-03; P-05",
    ),
)
