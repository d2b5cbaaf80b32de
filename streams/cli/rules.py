"""`masa rules`: an area's rules checked, tested against their cases, and explained."""

from __future__ import annotations

import typer

from streams.cli import (
    rules_activate,
    rules_check,
    rules_compile,
    rules_diff,
    rules_document,
    rules_explain,
    rules_history,
    rules_impact,
    rules_keys,
    rules_schema,
    rules_sign,
    rules_stop,
    rules_test,
    rules_verify,
)

app = typer.Typer(no_args_is_help=True, help="An area's sharing rules: checked, tested, explained, rehearsed.")

# One file a verb: its function is registered here, heavy imports happen inside it.
app.command("check")(rules_check.check)
app.command("test")(rules_test.run_test_cases)
app.command("explain")(rules_explain.explain)
app.command("diff")(rules_diff.diff)
app.command("impact")(rules_impact.impact)
app.command("document")(rules_document.document)
app.command("verify")(rules_verify.verify)
app.command("compile")(rules_compile.compile_rules)
app.command("keygen")(rules_keys.keygen)
app.command("sign")(rules_sign.sign)
app.command("activate")(rules_activate.activate)
app.command("history")(rules_history.history)
app.command("rollback")(rules_sign.rollback)
app.command("stop")(rules_stop.stop)
app.command("lift")(rules_stop.lift)
app.command("stops")(rules_stop.stops)
app.command("schema")(rules_schema.schema)
