"""What an area and its agreements say beside the rules: no decision reads it, `streams.policy.documents` does."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from streams.policy.shapes import Day, Model, Slug, Text


class ContactModel(Model):
    name: Text
    phone: Text


class RetentionModel(Model):
    """How long what is kept. Days are those of the exchange's own stores and must be what it is set to (A-04, A-05)."""

    deliveries_days: int = Field(ge=1)  # what was sent and what waits in an inbox, content included
    receipts_days: int = Field(ge=1)  # acknowledgements
    held_days: int = Field(ge=1)  # what waits for a person, content included
    rejected_days: int = Field(ge=1)  # what could not be read or was refused, content included
    audit_days: int = Field(ge=1)  # decisions without content, as a stream
    ledger: Text  # decisions without content, as records
    recipients: Text  # what a recipient does with what it got
    legal_hold: Text


class BreachModel(Model):
    hours: int = Field(ge=1, le=72)  # within which partners tell each other, so that the 72 hours of Art 33 are kept
    contact: ContactModel


class RightsModel(Model):
    contact: ContactModel
    handling: Text  # who answers, who reviews before anything is released


class GovernanceModel(Model):
    """What a data-sharing agreement says beside the rules (domain catalogue 7.1). Only documents read it."""

    organisations: Mapping[Slug, Text] = Field(default_factory=dict)  # legal person -> its name
    controllers: Text  # who decides, and for whom the exchange works
    data_protection_officer: ContactModel
    rights: RightsModel
    breach: BreachModel
    retention: RetentionModel
    assurance: tuple[Text, ...] = Field(min_length=1)  # what a party shows before it is connected
    onward: Text  # onward sharing and contractors (P-12)
    transfers: Text  # outside the United Kingdom
    policy_document: Text  # the appropriate policy document of Schedule 1
    accession: Text  # how parties that are no approvers join and leave
    locating_reasons: Mapping[Slug, Text] = Field(default_factory=dict)  # why a role may know where a child is (P-02)
    open_questions: tuple[Text, ...] = ()  # for legal advice, before anybody signs


class ApprovalModel(Model):
    """Who approved an agreement: an office, never a person's name."""

    organisation: Slug  # of `governance.organisations`, or an agency
    capacity: Text
    signed_on: Day
