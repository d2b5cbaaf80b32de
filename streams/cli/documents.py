"""`masa schemas asyncapi` and `masa gateway openapi`: both doors described for machines."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.runtime import Refused, default_area, write

FOLDER = "api"  # in deploy

Check = Annotated[bool, typer.Option("--check", help="Print nothing; exit 1 if the file in deploy/api is out of date.")]
Write = Annotated[bool, typer.Option("--write", help="Write the file in deploy/api instead of printing.")]


def asyncapi(
    self_contained: Annotated[
        bool, typer.Option("--self-contained", help="With every schema inside: a file to give away.")
    ] = False,
    write_it: Write = False,
    check: Check = False,
) -> None:
    """The Kafka door as an AsyncAPI 3.0 document: topics, messages, headers, schemas.

    Made from the catalogue; the one in deploy/api names each released schema by its file.

    [bold]Examples[/bold]

    \b
      masa schemas asyncapi --self-contained > masa.yaml
      masa schemas asyncapi --write      # after a change to the catalogue
      masa schemas asyncapi --check      # is deploy/api/asyncapi.yaml up to date? `make check` asks
    """
    from schemas.asyncapi import asyncapi_document, asyncapi_yaml
    from schemas.registry import load_event_types

    text = asyncapi_yaml(asyncapi_document(load_event_types(), self_contained=self_contained))
    _deal_with("asyncapi.yaml", text, "masa schemas asyncapi --write", write_it=write_it, check=check)


def openapi(write_it: Write = False, check: Check = False) -> None:
    """The HTTP door as an OpenAPI 3.1 document: the same that a running gateway serves at /v1/openapi.json.

    [bold]Examples[/bold]

    \b
      masa gateway openapi > openapi.json
      masa gateway openapi --write       # after a change to the API
      masa gateway openapi --check       # is deploy/api/openapi.json up to date? `make check` asks
    """
    import json

    from connectors.http.app import create_bare_app

    text = json.dumps(create_bare_app(None).openapi(), indent=1, ensure_ascii=False) + "\n"
    _deal_with("openapi.json", text, "masa gateway openapi --write", write_it=write_it, check=check)


def _deal_with(name: str, text: str, how: str, *, write_it: bool, check: bool) -> None:
    path = default_area().parents[1] / FOLDER / name
    if check:
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            raise Refused(f"{path} is not what the code says: run `{how}`")
    elif write_it:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    else:
        write(text)
