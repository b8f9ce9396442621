"""Korean place names in Latin letters: the Revised Romanization with the sound changes that signs show.

Source: 국어의 로마자 표기법, Ministry of Culture, Sports and Tourism notice 2014-42. Tense sounds are not written
(chapter 3, clause 1), ㄱ, ㄷ, ㅂ keep a following ㅎ apart as nouns do (clause 1, 4), and sound changes across the hyphen
before an administrative unit are not written (clause 5). Inserted ㄴ (학여울) and ㄴㄹ read as
ㄴㄴ (신문로; here always ㄹㄹ as in 신라) need a dictionary and are not known here.
"""

from __future__ import annotations

_INITIALS = ("g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p", "h")
_VOWELS = (
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we", "wi", "yu", "eu", "ui", "i",
)  # fmt: skip
# Each final: its sound before a consonant or at the end, and what it gives before a vowel (rest, moved over).
_FINALS: tuple[tuple[str, str, str], ...] = (
    ("", "", ""), ("k", "", "g"), ("k", "", "kk"), ("k", "k", "s"), ("n", "", "n"), ("n", "n", "j"), ("n", "", "n"),
    ("t", "", "d"), ("l", "", "r"), ("k", "l", "g"), ("m", "l", "m"), ("l", "l", "b"), ("l", "l", "s"), ("l", "l", "t"),
    ("p", "l", "p"), ("l", "", "r"), ("m", "", "m"), ("p", "", "b"), ("p", "p", "s"), ("t", "", "s"), ("t", "", "ss"),
    ("ng", "ng", ""), ("t", "", "j"), ("t", "", "ch"), ("k", "", "k"), ("t", "", "t"), ("p", "", "p"), ("t", "", ""),
)  # fmt: skip
_NASAL = {"k": "ng", "t": "n", "p": "m"}
_H = 27
_ASPIRATED = {"g": "k", "d": "t", "j": "ch"}
_SYLLABLES = range(0xAC00, 0xD7A4)
_UNITS = "도시군구읍면리동가"


def romanise(korean: str) -> str:
    """Latin letters of a Korean word, lower case; anything that is no Hangul syllable stays as it is."""
    out: list[str] = []
    index = 0
    while index < len(korean):
        if ord(korean[index]) not in _SYLLABLES:
            out.append(korean[index])
            index += 1
            continue
        start = index
        while index < len(korean) and ord(korean[index]) in _SYLLABLES:
            index += 1
        out.append(_word(korean[start:index]))
    return "".join(out)


def romanise_unit(korean: str) -> str:
    """Latin letters of an administrative unit, its kind after a hyphen: ``석우동`` → ``Seogu-dong``."""
    stem, unit = korean[:-1], korean[-1:]
    if stem and unit in _UNITS:
        return f"{romanise(stem).capitalize()}-{romanise(unit)}"
    return romanise(korean).capitalize()


def _word(word: str) -> str:
    syllables = [divmod(ord(letter) - 0xAC00, 28) for letter in word]
    heads = [_INITIALS[lead // 21] for lead, _ in syllables]
    out = []
    for position, (lead, final) in enumerate(syllables):
        out.append(heads[position] + _VOWELS[lead % 21])
        if position + 1 == len(syllables):
            out.append(_FINALS[final][0])
        else:
            closing, heads[position + 1] = _meet(final, heads[position + 1], _VOWELS[syllables[position + 1][0] % 21])
            out.append(closing)
    return "".join(out)


def _meet(final: int, head: str, vowel: str) -> tuple[str, str]:
    """How a final and the next initial are written when they meet."""
    sound, rest, moved = _FINALS[final]
    if not final:
        return "", head
    if not head:
        if vowel == "i" and moved in ("d", "t"):  # 해돋이 haedoji, 같이 gachi
            moved = {"d": "j", "t": "ch"}[moved]
        return rest, moved
    if final == _H and head in _ASPIRATED:
        return "", _ASPIRATED[head]
    if head in ("n", "m"):
        return ("l", "l") if sound == "l" and head == "n" else (_NASAL.get(sound, sound), head)
    if head == "r":
        return ("l", "l") if sound in ("l", "n") else (_NASAL.get(sound, sound), "n")
    return sound, head
