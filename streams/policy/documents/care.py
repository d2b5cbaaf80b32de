"""The second half of the annex: what happens to what is shared, whom to turn to, who approved."""

from __future__ import annotations

from streams.policy.documents import words
from streams.policy.documents.front import contact
from streams.policy.documents.markdown import bullets, code, heading, paragraph, sentence, table, text
from streams.policy.documents.source import Entry, Source


def care(source: Source) -> str:
    """Sections 9 to 16, as Markdown."""
    parts = (_retention, _security, _rights, _breach, _onward, _review, _signatories, _open_questions)
    return "".join(part(source) for part in parts)


def _retention(source: Source) -> str:
    kept = source.governance.get("retention")
    if not kept:
        return ""
    rows = [
        ("Events and deliveries, content included", f"{kept['deliveriesDays']} days"),
        ("Acknowledgements", f"{kept['receiptsDays']} days"),
        ("Events that wait for a person, content included", f"{kept['heldDays']} days"),
        ("Messages that were refused, content included", f"{kept['rejectedDays']} days"),
        ("Decisions, without content, as the exchange writes them", f"{kept['auditDays']} days"),
        ("Decisions, without content, in the ledger", sentence(kept["ledger"])),
        ("What a recipient has taken into its own records", sentence(kept["recipients"])),
    ]
    own = [(text(e["title"]), sentence(e["retention"])) for _, e in source.agreements if e["retention"]]
    return (
        heading(2, "9. Retention")
        + paragraph("The exchange is not a record. It keeps content for as long as delivery needs.")
        + table("How long the exchange and its users keep what", ("What", "How long"), rows)
        + table("What single agreements add", ("Agreement", "Retention"), own)
        + paragraph("Legal hold.", sentence(kept["legalHold"]))
    )


def _security(source: Source) -> str:
    return (
        heading(2, "10. Security")
        + paragraph("Each party, before it is connected and every year after, shows:")
        + bullets(sentence(each) for each in source.governance.get("assurance", ()))
        + paragraph("The exchange itself:")
        + bullets(
            (
                "gives each agency that connects directly a channel of its own, to which it alone can write and from "
                "which it alone can read; the channel, not what a message says of itself, tells who sent it; small "
                "agencies come through a gateway;",
                "replaces numbers and settings by keyed pseudonyms wherever something outlives its delivery, so that "
                "no NHS number, pupil number or name stands in a key, a log or a record of a decision;",
                "refuses connections to another machine that are not encrypted, unless its operator has said "
                "otherwise in the settings;",
                "takes a new rule set into force only when two people of the partnership's list have signed it, and "
                "keeps the last good one when anything is wrong with it;",
                "can be told to stop a rule, an agency or a kind of event; what would have been delivered then waits.",
            )
        )
        + paragraph("Transfers outside the United Kingdom.", sentence(source.governance.get("transfers", "")))
    )


def _rights(source: Source) -> str:
    governance = source.governance
    if not governance:
        return ""
    return (
        heading(2, "11. Rights of children, parents and others")
        + paragraph(
            "Requests for access, rectification, erasure or restriction, and objections:",
            contact(governance["rights"]["contact"]) + ".",
            contact(governance["dataProtectionOfficer"]) + ".",
        )
        + paragraph(sentence(governance["rights"]["handling"]))
        + paragraph(
            "Social work information need not be disclosed where that would be likely to cause serious harm, and",
            "child abuse data is not disclosed to a parent where that would not be in the child's best interests",
            "(Schedule 3 to the Data Protection Act 2018). A correction or a withdrawal reaches exactly those who",
            "got the original, and each of them confirms it.",
        )
        + paragraph(
            "Families are told of this sharing by the privacy notice that is written from the same rule set. Anybody",
            "may complain to the Information Commissioner.",
        )
    )


def _breach(source: Source) -> str:
    breach = source.governance.get("breach")
    if not breach:
        return ""
    return (
        heading(2, "12. When something goes wrong")
        + paragraph(
            f"Whoever finds a breach tells the partnership and every party concerned within {breach['hours']} hours:",
            contact(breach["contact"]) + ".",
            "The controller concerned decides within the 72 hours of Article 33 of the UK GDPR whether the",
            "Information Commissioner must be told, and whether the people concerned must be.",
        )
        + bullets(
            (
                "Safety first: where the address of a protected child or of a victim may be known, police and social "
                "care are rung at once.",
                "The publisher retracts the event; everybody who got it is told, removes it and confirms that.",
                "The record of decisions shows who was told, which classes of item, and under which rule.",
                "Sharing that may go wrong again is stopped by one signatory and released only when the cause is "
                "mended.",
            )
        )
    )


def _onward(source: Source) -> str:
    return heading(2, "13. Onward sharing and contractors") + paragraph(sentence(source.governance.get("onward", "")))


def _review(source: Source) -> str:
    spec = source.spec
    return (
        heading(2, "14. Review")
        + paragraph(
            f"The rules are reviewed by {words.day(spec['reviewBy'])}, each agreement by the day in section 4, and",
            "both at once after a serious incident, a breach or a change in the law. Past its review date a rule set",
            "does not compile, and what an overdue agreement allowed is no longer shared.",
            f"The duty is in force here from {words.day(spec['dutyCommencedOn'])}",
            f"(legal text {code(spec['legalText'])}).",
        )
        + paragraph(sentence(source.governance.get("accession", "")))
    )


def _signatories(source: Source) -> str:
    return (
        heading(2, "15. Signatories")
        + paragraph("Offices that approved each agreement. The signed originals are held by the business unit.")
        + table(
            "Approvals",
            ("Agreement", "Approved by"),
            (
                (text(entry["title"]), "; ".join(_approval(each, source) for each in entry["approvals"]))
                for _, entry in source.agreements
            ),
        )
        + paragraph(
            "The rule set named above is signed, besides, by two people of the partnership's list before the",
            "exchange takes it into force; those signatures travel with it.",
        )
    )


def _approval(approval: Entry, source: Source) -> str:
    name = source.organisation(approval["organisation"])
    return f"{text(approval['capacity'])}, {text(name)} ({words.day(approval['signedOn'])})"


def _open_questions(source: Source) -> str:
    questions = source.governance.get("openQuestions", ())
    if not questions:
        return ""
    return (
        heading(2, "16. Open points for legal advice")
        + paragraph("To be settled, or accepted in writing, before this annex is signed:")
        + bullets(sentence(question) for question in questions)
    )
