"""`masa files`: suppliers' CSV, JSON and XML files published as events."""

from __future__ import annotations

import typer

from streams.cli import files_check, files_import, files_watch

app = typer.Typer(
    help="""Publish the files of suppliers' systems (CSV, JSON, XML) as events.

    A mapping, a YAML file, says which column becomes which field; deploy/mappings has some to start from.""",
    no_args_is_help=True,
)

app.command("check")(files_check.check)
app.command("import")(files_import.import_)
app.command("watch")(files_watch.watch)
