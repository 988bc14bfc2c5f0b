"""Phrases in both languages at once, whose words know what they are linked with, and the last touch that makes a pair of them.

Left out: which phrases there are, which is in `grammar`.
"""

from dataclasses import dataclass
from typing import NamedTuple

from utils.data.french.words import begins_with_vowel

ALONE = frozenset(["do", "does", "did", "to", "up", "for", "ne", "n'", "est-ce", "que", "qu'"])


@dataclass(frozen=True)
class Pair:
    """A sentence and its translation."""

    english: tuple[str, ...]
    french: tuple[str, ...]
    links: frozenset[tuple[int, int]]  # (place in english, place in french) of words that translate each other
    skeleton: str  # the English sentence less its words of content: "N V N because N is A"
    combinations: frozenset[tuple[str, str]]  # (adjective, noun it describes) and (verb, noun it has as its object)

    @property
    def sure(self) -> frozenset[tuple[int, int]]:
        """The links but for those of words that the other language does without, as in look for: these are only possible."""
        return frozenset([(i, j) for i, j in self.links if not {self.english[i], self.french[j]} & ALONE])


SILENT = "-"  # the symbol of what leaves no trace in a skeleton


class Unit:
    """One piece of meaning: the words of both languages that carry it are linked.

    In a skeleton its symbol stands for it: N for a noun and the determiner and adjectives before it, which are SILENT; A for an
    adjective that a verb parts from its noun, V for a verb, # for a number. A word of grammar has none.
    """

    __slots__ = ("combination", "symbol")

    def __init__(self, symbol: str = "", combination: tuple[str, str] | None = None) -> None:
        self.symbol, self.combination = symbol, combination


class Word(NamedTuple):
    text: str
    units: tuple[Unit, ...]


class Phrase(NamedTuple):
    english: list[Word]
    french: list[Word]

    def __add__(self, other: "Phrase") -> "Phrase":
        """One phrase after the other, in both languages."""
        return Phrase(self.english + other.english, self.french + other.french)


def words(text: str, *units: Unit) -> list[Word]:
    """The words of one language that carry the units; a text may hold several or none."""
    return [Word(word, units) for word in text.split()] if text else []


def phrase(english: str, french: str, symbol: str = "") -> Phrase:
    """A fixed phrase: every word is linked with every other."""
    unit = Unit(symbol)
    return Phrase(words(english, unit), words(french, unit))


# --- from a phrase to a pair

ELIDED = frozenset(["le", "la", "de", "que", "je", "ne", "me", "te"])  # they lose their vowel before another
CONTRACTED = {("de", "le"): "du", ("de", "les"): "des"}


def begins_with_vowel_sound(english: str) -> bool:
    """Whether English says "an" before a word."""
    return english.startswith("honest") or english[0] in "aeiou"


def elide(french: list[Word]) -> list[Word]:
    """Je aime becomes j' aime."""
    following = [*french[1:], Word("?", ())]
    return [
        Word(word.text[:-1] + "'", word.units) if word.text in ELIDED and begins_with_vowel(after.text) else word
        for word, after in zip(french, following)
    ]


def contract(french: list[Word]) -> list[Word]:
    """De le roi becomes du roi, whose first word carries the units of both. Elision comes before: de l' ami stays."""
    found: list[Word] = []
    for word in french:
        merged = CONTRACTED.get((found[-1].text, word.text)) if found else None
        if merged:
            found[-1] = Word(merged, found[-1].units + word.units)
        else:
            found.append(word)
    return found


def pair(whole: Phrase) -> Pair:
    """A phrase as it is written, with its links."""
    following = [word.text for word in whole.english[1:]] + ["?"]
    english = tuple("an" if w.text == "a" and begins_with_vowel_sound(n) else w.text for w, n in zip(whole.english, following))
    french = contract(elide(whole.french))
    places: dict[Unit, list[int]] = {}
    for i, word in enumerate(whole.english):
        for unit in word.units:
            places.setdefault(unit, []).append(i)
    return Pair(
        english,
        tuple([word.text for word in french]),
        frozenset([(i, j) for j, word in enumerate(french) for unit in word.units for i in places[unit]]),
        " ".join([word.units[0].symbol or word.text for word in whole.english if word.units[0].symbol != SILENT]),
        frozenset([unit.combination for unit in places if unit.combination]),
    )
