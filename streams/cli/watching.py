"""Something run again whenever the YAML files of a folder change, by looking at them twice a second.

Looking costs one `stat` a file and works on every disk, network ones included, where notifications do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

LOOK_SECONDS = 0.5
MOST_FILES = 5_000  # what is looked at; areas have dozens
Stamp = tuple[int, int]  # nanoseconds of the last change, bytes


def stamps(folder: Path) -> Mapping[Path, Stamp]:
    """When each YAML file of the areas in `folder` was last written; one that goes away meanwhile is left out."""
    found: dict[Path, Stamp] = {}
    areas = sorted(path.parent for path in folder.glob("*/area.yaml"))
    for path in [path for area in areas for path in sorted(area.rglob("*.y*ml"))][:MOST_FILES]:
        try:
            stat = path.stat()
        except OSError:
            continue
        found[path] = (stat.st_mtime_ns, stat.st_size)
    return found


def runs(folder: Path, run: Callable[[], bool], pause: Callable[[float], object]) -> Iterator[bool]:
    """The result of `run`, at once and after each change, for ever: a person interrupts.

    A burst of writes, as editors make, is waited out: the next run comes when two looks see the same. A change
    while something runs counts too.
    """
    seen = stamps(folder)
    yield run()
    while True:
        pause(LOOK_SECONDS)
        now = stamps(folder)
        if now != seen:
            seen = _settled(folder, now, pause)
            yield run()


def _settled(folder: Path, seen: Mapping[Path, Stamp], pause: Callable[[float], object]) -> Mapping[Path, Stamp]:
    while True:
        pause(LOOK_SECONDS / 5)
        now = stamps(folder)
        if now == seen:
            return now
        seen = now
