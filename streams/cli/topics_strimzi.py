"""`masa topics strimzi`: the plan as Kubernetes resources."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.runtime import BadUsage, Exit, default_area, say, write


def strimzi(
    area: Annotated[Path | None, typer.Option("--area", help="Area folder. Default: deploy/areas/northshire.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write topics.yaml and users.yaml.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if --out is not up to date.")] = False,
) -> None:
    """Write the area's topics, permissions and quotas as KafkaTopic and KafkaUser resources of Strimzi.

    The same plan as `masa topics plan` shows, with three copies of everything: each agency's own topics, what it
    may do and how fast, and the exchange's processes with what each needs and no more. No secret is in it:
    Strimzi makes each user's password and keeps it in a Secret of the user's name.

    [bold]Examples[/bold]

    \b
      masa topics strimzi > kafka.yaml
      masa topics strimzi --out deploy/kubernetes/kafka
      masa topics strimzi --out deploy/kubernetes/kafka --check
    """
    from connectors.kafka.strimzi import manifests, topic_resources, user_resources
    from streams.cli.areas import compile_area

    if check and out is None:
        raise BadUsage("--check needs --out, the folder to compare with")
    compiled = compile_area(area or default_area())
    agencies = compiled.kafka_agencies
    made = {
        "topics.yaml": manifests(topic_resources(agencies), compiled.name),
        "users.yaml": manifests(user_resources(agencies), compiled.name),
    }
    if out is None:
        for text in made.values():
            write(text)
        return
    stale = [name for name, text in made.items() if not _same(out / name, text)]
    if check:
        for name in stale:
            say(f"`{out / name}` is not up to date: `masa topics strimzi --out {out}` writes it")
        raise typer.Exit(Exit.NO if stale else Exit.OK)
    out.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (out / name).write_text(text, encoding="utf-8")
        say(f"wrote {out / name}")


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
