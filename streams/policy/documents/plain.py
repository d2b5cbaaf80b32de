"""Kinds of events in words for a child of twelve: what has happened, and why it is told.

One entry for each event type of the contract; a test holds it to that. Short words, short sentences, and nothing that
blames.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from schemas.vocabulary import FieldClass


class Told(NamedTuple):
    what: str
    why: str


POLICE = "When the police meet you or your family"
MISSING = "When you go missing"
SCHOOL = "School and learning"
HEALTH = "Health"
HELP = "Help from social workers and others"
HOME = "When home is not safe"
HOUSING = "Losing or changing your home"
ADULTS = "Adults who may be a danger"
RECORDS = "Keeping records right"

GROUPS: Mapping[str, Mapping[str, Told]] = {
    POLICE: {
        "police.domestic-abuse-incident": Told(
            "The police came because someone at home was hurt or scared.",
            "So that people can look after you the next day.",
        ),
        "police.public-protection-notice": Told(
            "A police officer was worried about you.", "So that someone can check that you are safe."
        ),
        "police.protection-power-used": Told(
            "The police took you to a safe place.", "So that social workers can take over at once."
        ),
        "police.child-detained": Told(
            "The police arrested you or asked you questions.", "So that you get help while you are there, and after."
        ),
        "youth-justice.contact": Told("You met the youth justice team.", "So that those who help you work together."),
    },
    MISSING: {
        "missing.episode-started": Told("You went missing.", "So that people look for you at once."),
        "missing.episode-ended": Told("You came back.", "So that the search ends and you get help."),
        "missing.return-interview-completed": Told(
            "You talked with someone after you came back, or chose not to.",
            "So that what made you go can be put right.",
        ),
    },
    SCHOOL: {
        "education.absence-concern": Told(
            "You missed a lot of school and someone is worried.", "So that you get help to go back."
        ),
        "education.suspension-or-exclusion": Told(
            "Your school sent you home for a time, or for good.", "So that you have lessons and help."
        ),
        "education.off-roll": Told("You left your school.", "So that someone knows where you learn now."),
        "education.home-education-started": Told(
            "You now learn at home.", "So that the council can offer help and check that you do learn."
        ),
        "education.missing-education": Told("You have no school.", "So that you are found a place."),
        "education.cp-file-transfer": Told(
            "You moved, and your old school sent on the notes about keeping you safe.",
            "So that your new school can keep you safe too.",
        ),
        "send.status": Told(
            "You are getting a plan for extra help with learning.", "So that each person does their part of the plan."
        ),
    },
    HEALTH: {
        "health.ed-attendance-concern": Told(
            "You were in the emergency department and the staff were worried.", "So that someone checks on you at home."
        ),
        "health.was-not-brought": Told(
            "You were not taken to see the doctor or nurse.", "So that you still get your care."
        ),
        "health.hv-concern": Told(
            "Your health visitor or school nurse was worried.", "So that you and your family get help."
        ),
        "health.maternity-concern": Told(
            "The midwife was worried about a baby, before or after birth.", "So that help is ready for the baby."
        ),
    },
    HELP: {
        "social-care.status-changed": Told(
            "You began or stopped having a plan with social workers, or being in care.",
            "So that those who see you often know to look out for you.",
        ),
        "social-care.contact-outcome": Told(
            "Social workers chose what to do about a worry.", "So that the person who told them knows."
        ),
        "social-care.access-notification": Told(
            "Someone used the information they had been sent about you.",
            "So that your social worker knows who you met.",
        ),
        "early-help.episode": Told(
            "Your family began or ended getting early help.",
            "So that helpers work together and you are not asked twice.",
        ),
    },
    HOME: {
        "dv.marac-referral": Told(
            "Someone at home is in great danger from another person.",
            "So that people can meet and plan how to keep you all safe.",
        ),
        "dv.marac-outcome": Told("The meeting made a plan.", "So that each person does their part."),
        "exploitation.concern": Told(
            "Someone may be tricking or using you.",
            "So that they are stopped and you are helped. You are not to blame.",
        ),
    },
    HOUSING: {
        "housing.homelessness-risk": Told("Your family may lose its home.", "So that you are found a place to live."),
        "housing.household-moved": Told("Your family moved.", "So that school, health and help move with you."),
    },
    ADULTS: {
        "probation.person-of-concern": Told(
            "An adult you may know has hurt others in the past.", "So that they cannot hurt you."
        ),
        "prison.release-or-contact-risk": Told(
            "Someone is leaving prison, or wants to see you from there.", "So that you are safe when they do."
        ),
        "lado.allegation": Told(
            "Someone said that an adult who works with children did wrong.",
            "So that it is looked into fairly and fast.",
        ),
    },
    RECORDS: {
        "identity.identifier-changed": Told("You got a new NHS number.", "So that your notes stay together."),
        "identity.severed": Told("An old number must not be used any more.", "So that no one can link it to you."),
        "identity.protection-changed": Told(
            "Your address must be kept secret, or need not be any more.", "So that people hide it at once."
        ),
        "control.correction": Told("Something we sent was wrong.", "So that everyone who got it puts it right."),
        "control.retraction": Told("Something should not have been sent.", "So that everyone who got it takes it out."),
        "control.withheld": Told(
            "Someone chose not to share.", "No one is told. It is noted, so that it can be checked."
        ),
        "control.information-request": Told(
            "One service asked another a question about you.", "So that they can help you well."
        ),
        "control.information-response": Told("The service gave its answer.", "So that the one who asked knows."),
        "control.acknowledgement": Told("Someone has read a message.", "So that the sender knows."),
        "control.escalation": Told("No one has read a message in time.", "So that someone else does, fast."),
        "control.notice": Told(
            "The system saw something that a person must look at.", "So that someone does. It holds no names."
        ),
        "control.heartbeat": Told("The system checks that it works.", "It is about no one."),
    },
}

# Two items of the class IDENTITY that a child asks about by name.
NAME = ("envelope.child.name", "your name")
BIRTHDAY = ("envelope.child.dateOfBirth", "your birthday")

CLASSES: Mapping[FieldClass, str] = {
    FieldClass.IDENTITY: "numbers for you or your case",
    FieldClass.CIRCUMSTANCE: "what happened",
    FieldClass.CONTACT: "how it is safe to reach you",
    FieldClass.LOCATING: "where you can be found, such as your school",
    FieldClass.PLACEMENT: "who looks after you, if you are in care",
    FieldClass.THIRD_PARTY: "people in your family or close to you",
    FieldClass.HEALTH: "your health",
    FieldClass.SEXUAL_HEALTH: "very private health care",
    FieldClass.SENSITIVE_SERVICE: "help you get in private",
    FieldClass.OFFENCE: "crimes, or what may be a crime",
    FieldClass.NARRATIVE: "a few words someone wrote, or your own words",
    FieldClass.WORKER: "which worker to ring",
    FieldClass.ADOPTION: "whether you were adopted",
}
