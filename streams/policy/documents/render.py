"""All documents of an area, from its artefact. Equal rule sets give equal bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streams.policy.documents.agreement import agreement_annex
from streams.policy.documents.dpia import dpia_extract
from streams.policy.documents.notice import privacy_notice
from streams.policy.documents.page import page
from streams.policy.documents.record import record_of_processing
from streams.policy.documents.source import Source

KINDS: Mapping[str, Callable[[Source], str]] = {
    "data-sharing-agreement": agreement_annex,
    "record-of-processing": record_of_processing,
    "dpia-extract": dpia_extract,
    "privacy-notice": privacy_notice,
}


def documents(source: Source) -> Mapping[str, str]:
    """File name -> text: each document as Markdown and as one self-contained HTML page."""
    out: dict[str, str] = {}
    for name, write in KINDS.items():
        markdown = write(source).rstrip("\n") + "\n"
        out[f"{name}.md"] = markdown
        out[f"{name}.html"] = page(markdown)
    return out
