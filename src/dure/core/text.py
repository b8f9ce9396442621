"""Text in the city's languages."""

from __future__ import annotations

import unicodedata
from typing import Literal

import msgspec

Language = Literal["ko", "en"]
LANGUAGES: tuple[Language, ...] = ("ko", "en")


class Text(msgspec.Struct, frozen=True, omit_defaults=True):
    """A name or sentence in Korean (required for citizens) and English (falls back to Korean)."""

    ko: str
    en: str = ""

    def __call__(self, language: Language) -> str:
        """Text in the language asked for, else the one there is."""
        return (self.en or self.ko) if language == "en" else (self.ko or self.en)


def with_particle(word: str, pair: str) -> str:
    """`word` followed by the Korean particle that fits its last sound, e.g. ``with_particle("물", "은/는")`` → ``물은``.

    `pair` names the form after a consonant, then after a vowel. 으로/로 treats a final ㄹ as a vowel. A word that
    ends in a digit follows that digit's Sino-Korean reading; any other script gets both forms, as official texts do.
    """
    closed, open_ = pair.split("/")
    last = unicodedata.normalize("NFC", word.rstrip(")]}\"'’” "))[-1:]
    if "가" <= last <= "힣":
        final = (ord(last) - 0xAC00) % 28
    elif last.isdigit():
        final = {"0": 21, "1": 8, "3": 16, "6": 1, "7": 8, "8": 8}.get(last, 0)
    else:
        return f"{word}{closed}({open_})"
    if closed == "으로" and final == 8:
        final = 0
    return word + (closed if final else open_)
