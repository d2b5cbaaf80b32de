"""`masa rules history`: every version there was, who signed it, and which is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streams.cli.runtime import DEFAULT_DATA_DIR, AsJson, DataDir, emit, instant, now_ms, say, settings, table

if TYPE_CHECKING:
    from streams.cli.policy_topic import PolicyTopic
    from streams.policy.statement import SignedStatement

SHORT = 12  # digits of a hash that tell any two apart in practice


def history(data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """List every version of the rules, newest first: when, what, why, who signed, and which is in force.

    A hash in it is what `masa rules rollback --to`, `diff` and `impact` take.

    [bold]Examples[/bold]

    \b
      masa rules history
      masa rules history --json | jq 'select(.state == "in force")'
    """
    from streams.cli.people import known_signatories
    from streams.cli.policy_topic import read_policy

    found = settings(data_dir)
    topic = read_policy(found.kafka(), known_signatories(found))
    rows = rows_of(topic, now_ms())
    for refusal in topic.ignored:
        say(f"a record on masa.policy changes nothing ({refusal.reason}): {refusal}")
    if as_json:
        for row in rows:
            emit(row)
        return
    columns = ("version", "state", "takes effect", "rule set", "signed by", "reason")
    table(
        None,
        columns,
        (
            (
                str(row["sequence"]),
                row["state"],
                row["takesEffect"] or "",
                row["ruleSet"][:SHORT],
                ", ".join(row["signedBy"]),
                row["reason"],
            )
            for row in rows
        ),
    )


def rows_of(topic: PolicyTopic, now: int) -> list[dict[str, Any]]:
    """Versions, newest first: `{sequence, state, publishedAt, takesEffect, ruleSet, signedBy, reason, area}`."""
    current = topic.in_force(now)
    in_force = current.statement.sequence if current is not None else 0
    return [_row(each, topic.published_at[each.statement.sequence], in_force) for each in reversed(topic.statements)]


def _row(signed: SignedStatement, published_at: int, in_force: int) -> dict[str, Any]:
    statement = signed.statement
    later = "scheduled" if statement.sequence > in_force else "past"
    return {
        "sequence": statement.sequence,
        "state": "in force" if statement.sequence == in_force else later,
        "publishedAt": instant(published_at),
        "takesEffect": instant(max(statement.activates_at, published_at)),
        "ruleSet": statement.rule_set,
        "signedBy": list(dict.fromkeys(each.signatory for each in signed.signatures)),
        "reason": statement.reason,
        "area": statement.area,
    }
