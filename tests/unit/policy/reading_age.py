"""Flesch-Kincaid grade of English prose: school years in the American count, so grade 6 is read at eleven to twelve."""

from __future__ import annotations

import re

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_WORD = re.compile(r"[A-Za-z']+")
_VOWELS = re.compile(r"[aeiouy]+")


def sentences(prose: str) -> list[list[str]]:
    """Words of each sentence."""
    found = [_WORD.findall(part) for part in _SENTENCE.split(prose)]
    return [words for words in found if words]


def grade(prose: str) -> float:
    parts = sentences(prose)
    words = [word for part in parts for word in part]
    syllables = sum(map(_syllables, words))
    return 0.39 * len(words) / len(parts) + 11.8 * syllables / len(words) - 15.59


def _syllables(word: str) -> int:
    """Groups of vowels, a silent `e` at the end left out; near enough for an average."""
    lower = word.lower().replace("'", "")
    groups = len(_VOWELS.findall(lower))
    silent = lower.endswith("e") and not lower.endswith("le") and groups > 1
    return max(1, groups - silent)
