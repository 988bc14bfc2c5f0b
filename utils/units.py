"""What a choice of units costs: words that stay unknown, tokens to a word, and whether words are cut where they are built.

A unit is given by the function that cuts a word into its tokens. Left out: how well a model of these units does.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import accumulate

import regex

Cut = Callable[[str], Sequence[str | bytes]]
SUFFIXES = ("s", "ed", "ing", "ly", "er", "ness", "ment", "ism", "ist")
PREFIXES = ("un", "re", "dis", "non", "anti", "inter")
SHORTEST_STEM = 3  # letters


def words_of(text: str) -> list[str]:
    """The runs of letters in a text."""
    return regex.findall(r"\p{L}+", text)


def unknown_share(words: Mapping[str, int], known: Callable[[str], bool]) -> float:
    """Which part of the running words (word -> count) is unknown: the out-of-vocabulary rate."""
    return sum(count for word, count in words.items() if not known(word)) / _total(words)


def fertility(words: Mapping[str, int], cut: Cut) -> float:
    """Tokens to a running word (word -> count): 1 where each word is a token."""
    return sum(count * len(cut(word)) for word, count in words.items()) / _total(words)


def affix_places(words: Collection[str]) -> dict[str, int]:
    """Word -> the place where its affix meets its stem, for each one whose stem is among the words as well.

    It knows spelling only: "corner" is taken for corn and -er, and "making" is not found under "make".

    >>> affix_places({"walk", "walking", "do", "doing", "sure", "unsure"})
    {'unsure': 2, 'walking': 4}
    """
    known, places = set(words), {}
    for word in sorted(known):
        stems = [(word[: -len(suffix)], len(word) - len(suffix)) for suffix in SUFFIXES if word.endswith(suffix)]
        stems += [(word[len(prefix) :], len(prefix)) for prefix in PREFIXES if word.startswith(prefix)]
        for stem, place in stems:
            if stem in known and len(stem) >= SHORTEST_STEM:
                places[word] = place
    return places


def cut_places(tokens: Iterable[str | bytes]) -> set[int]:
    """Where a word is cut, as numbers of letters before the cut (of bytes, where tokens are bytes: then for ASCII words only).

    >>> cut_places(["un", "do", "ing"])
    {2, 4}
    """
    return set(list(accumulate(map(len, tokens)))[:-1])


def boundaries_found(places: Mapping[str, int], cut: Cut) -> tuple[float, float]:
    """How often a cut falls on the place given for a word, and how often as many cuts at random places would.

    Of the L - 1 places inside a word of L letters, n tokens use n - 1: by chance they hit the one with (n - 1) / (L - 1).
    """
    if not places:
        raise ValueError("places is empty; expected at least one word with the place of its boundary")
    cuts = {word: cut_places(cut(word)) for word in places}
    found = sum(place in cuts[word] for word, place in places.items())
    chance = sum(len(cuts[word]) / (len(word) - 1) for word in places)
    return found / len(places), chance / len(places)


def _total(words: Mapping[str, int]) -> int:
    if not words:
        raise ValueError("words is empty; expected at least one")
    return sum(words.values())
