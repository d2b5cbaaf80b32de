"""The privacy notice for young people and parents, in plain words (A-09). A test holds its reading age down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streams.policy.documents import plain, words
from streams.policy.documents.front import contact
from streams.policy.documents.items import SHOWN, items_of
from streams.policy.documents.markdown import bullets, capital, code, heading, listed, paragraph, strong, table, text
from streams.policy.documents.source import Entry, Source

_ALWAYS_TOLD = ("control.", "identity.")  # kinds whose recipients are whoever had the first message
_ASIDE = frozenset({"restricted"})  # conditions of the secret lane, which has a part of its own


def privacy_notice(source: Source) -> str:
    """The whole notice, as Markdown."""
    return (
        heading(1, f"How we share information to keep you safe: {text(source.spec['name'])}")
        + paragraph(
            strong("This is a draft."),
            "People who work with children still have to check it. All the services named here are made up.",
        )
        + _short()
        + _who(source)
        + _when(source)
        + _what(source)
        + _never(source)
        + _law(source)
        + _rights(source)
        + _parents()
        + _how_long(source)
        + _help()
        + paragraph(
            "This notice is made from the rules that our computers follow.",
            f"These rules have the number {code(source.rule_set)}.",
            f"We check them by {words.day(source.spec['reviewBy'])}.",
        )
    )


def _short() -> str:
    return heading(2, "The short version") + bullets(
        (
            "When a service learns something that matters for your safety, it may tell other services that can help.",
            "Each one is told only what it needs. Most are told very little.",
            "The law says that we must share when it helps a child. We do not need you to say yes.",
            "We tell you what we share, unless telling you could put someone in danger.",
            "We do not share when sharing would harm you more than it helps.",
            "No one can look you up. There is no list of children and no score.",
            "You can ask what was shared, and ask us to put mistakes right.",
        )
    )


def _who(source: Source) -> str:
    return heading(2, "Who we are") + paragraph(
        f"We are the {text(source.spec['name'])}.",
        "We are councils, police, doctors, nurses, schools and other services that work to keep children safe. Each",
        "service keeps its own notes. When it has news that others need, it sends a message. A computer then checks",
        "our rules and passes on only what each service may have.",
    )


def _when(source: Source) -> str:
    return (
        heading(2, "When we share, with whom and why")
        + paragraph(
            "These tables say what may be shared, and who may be told. Some people are told each time. Others are",
            "told only when they need to know.",
        )
        + "".join(_group(name, kinds, source) for name, kinds in plain.GROUPS.items())
    )


def _group(name: str, kinds: Mapping[str, plain.Told], source: Source) -> str:
    rows = [_row(kind, told, source) for kind, told in kinds.items()]
    return heading(3, name) + table(
        f"{name}: who is told",
        ("What happened", "Why we share it", "Who is told", "Who may be told if they need to know"),
        [row for row in rows if row],
    )


def _row(kind: str, told: plain.Told, source: Source) -> tuple[str, ...]:
    rules = [rule for rule in source.allows if kind in rule["events"] and not _ASIDE & set(rule["when"])]
    if not rules:
        return (told.what, told.why, "No one.", "No one.")
    if kind.startswith(_ALWAYS_TOLD):
        return (told.what, told.why, _named(filter(_direct, rules), source), "Services that had the first message.")
    return (
        told.what,
        told.why,
        _named(filter(_direct, rules), source),
        _named((rule for rule in rules if not _direct(rule)), source, but=[r for r in rules if _direct(r)]),
    )


def _direct(rule: Entry) -> bool:
    """Told each time: asked for nothing, and found without being named. Having a school at all is no condition."""
    asked = set(rule["when"]) - {"hasSchool", "hasGp", "hasCommunityHealth", "ageYears"}
    return rule["to"]["of"] != "explicit" and not asked


def _named(rules: Iterable[Entry], source: Source, but: Iterable[Entry] = ()) -> str:
    """Roles in plain words, each once."""
    left_out = {rule["to"]["role"] for rule in but}
    roles = sorted({rule["to"]["role"] for rule in rules} - left_out)
    said = list(dict.fromkeys(_plainly(role, source) for role in roles))
    return capital("; ".join(sorted(said))) + "." if said else "No one."


def _plainly(role: str, source: Source) -> str:
    entry = source.spec["roles"][role]
    return text(entry["plain"] or entry["title"])


def _what(source: Source) -> str:
    by_role: dict[str, list[Entry]] = {}
    for rule in source.allows:
        by_role.setdefault(_plainly(rule["to"]["role"], source), []).append(rule)
    return (
        heading(2, "What each person may be told")
        + paragraph(
            "This is the most that each person is ever told. For most messages it is much less. Everyone is also",
            "told what kind of message it is and when it was sent.",
        )
        + table(
            "Who may be told what",
            ("Who", "What they may be told"),
            ((capital(who), _facts(rules, source)) for who, rules in sorted(by_role.items())),
        )
    )


def _facts(rules: Iterable[Entry], source: Source) -> str:
    given = {item for rule in rules for event in rule["events"] for item in items_of(source, rule, event)}
    paths = {item.path for item in given}
    said = [words_ for path, words_ in (plain.NAME, plain.BIRTHDAY) if path in paths]
    named = {plain.NAME[0], plain.BIRTHDAY[0]}
    classes = {c for item in given if item.path not in named for c in item.classes}
    said += [plain.CLASSES[c] for c in SHOWN if c in classes]
    return capital("; ".join(said) or "nothing more") + "."


def _never(source: Source) -> str:
    locating = listed(_plainly(role, source) for role in source.spec["locatingRoles"])
    return (
        heading(2, "What we keep secret")
        + bullets(
            (
                "If your address must be kept safe, almost no one is told where you are. That means your address, "
                "your school and your doctor too.",
                f"Very few people may know it then. They are {locating}.",
                "People who work with someone who may hurt you are never told where you are or how to reach you.",
                "If you use a sexual health, drug or mental health service, that stays there. It may tell someone "
                "only if it has thought hard about why, for that one person.",
                "If you were adopted, no one is told who you were before.",
                "If you say that an adult at a school or club hurt you, the people there are not told by us.",
                "Some children's records are so secret that only a few named officers are told that there is one.",
            )
        )
    )  # fmt: skip


def _law(source: Source) -> str:
    return heading(2, "Why we are allowed to do this") + paragraph(
        "The law tells us to share what helps to keep a child safe and well. It is section 16LA of the Children Act",
        "2004.",
        f"It starts here on {words.day(source.spec['dutyCommencedOn'])}.",
        "For some messages we use other laws, such as the one that lets the police tell your school.",
        "This means that we do not ask you or your parents to agree first.",
        "For some help with housing, the law says that we must ask the adults first, and then we do.",
        "We still want to know what you think, and we write it down.",
        "You can always tell us that you do not want something shared. We must listen and think about it.",
    )


def _rights(source: Source) -> str:
    governance = source.governance
    asked = contact(governance["rights"]["contact"]) if governance else "the service that you know best"
    return (
        heading(2, "Your rights")
        + bullets(
            (
                "You can ask to see what we hold about you and who was told.",
                "You can ask us to put right what is wrong.",
                "You can ask us to delete something, or to stop using it. We may have to say no, and then we tell "
                "you why.",
                "You can say that you object.",
                "You can ask someone you trust to help you ask.",
            )
        )
        + paragraph(
            f"Ask: {asked}.",
            "It costs nothing. You can also ask any of the services that you know. Before we give an answer, we",
            "check that it will not put you or someone else in danger.",
        )
        + paragraph(
            "If you are not happy with the answer, you can tell the Information Commissioner. Their web page is",
            "ico.org.uk.",
        )
    )


def _parents() -> str:
    return heading(2, "For parents and carers") + bullets(
        (
            "The same is true for what is shared about you. It may be shared when it matters for your child's safety.",
            "You can ask what is held about you. You can ask for your child too, but your child's safety and wishes "
            "come first. Older children can often ask for themselves.",
            "We may have to keep something from you if telling you could harm your child or someone else.",
            "A message is not proof that anyone did wrong. It says if it is a fact, a worry or something we were told.",
            "If someone at home hurts you, tell us how it is safe to reach you. We pass that on and we keep to it.",
        )
    )


def _how_long(source: Source) -> str:
    kept = source.governance.get("retention")
    days = f"Messages are deleted after {kept['deliveriesDays']} days. " if kept else ""
    waiting = f"If a person has to look at one first, it may take {kept['heldDays']} days. " if kept else ""
    remembered = any(said.days for kind in source.event_types.values() for said in kind.relationships)
    remembers = (
        "The computer remembers, in secret code, which school or doctor to tell. It forgets in time." * remembered
    )
    return heading(2, "How long we keep it") + paragraph(
        f"{days}{waiting}We keep a note of who was told and why, but not of what the message said.".strip(),
        "The service that got the message keeps its own notes, as long as its own rules say.",
        remembers,
    )


def _help() -> str:
    return heading(2, "If you need help") + paragraph(
        strong("If you are in danger now, call 999."),
        "You can also tell a teacher, a nurse, a doctor or a police officer. Please do not think that all is well",
        "just because no one has been told. Tell someone.",
    )
