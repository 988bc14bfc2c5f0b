"""Pairs to train on and pairs to test with, parted so that the test asks for something that training never showed.

Validation always looks like training: it is drawn from the same pairs at random. No pair is in two parts.
"""

from random import Random
from typing import NamedTuple

from utils.data.french.phrases import Pair


class Split(NamedTuple):
    train: list[Pair]
    validation: list[Pair]
    test: list[Pair]


def at_random(pairs: list[Pair], seed: int, share: float = 0.1) -> Split:
    """A share of the pairs for the test, as much for validation, the rest for training."""
    size, shuffled = _size(pairs, share), Random(seed).sample(pairs, len(pairs))
    return Split(shuffled[2 * size :], shuffled[size : 2 * size], shuffled[:size])


def by_length(pairs: list[Pair], seed: int, longest: int = 20, share: float = 0.1) -> Split:
    """Training up to `longest` English words; the test has all the longer ones, validation a share of the others."""
    return _parted(pairs, [len(pair.english) > longest for pair in pairs], Random(seed), share)


def by_skeleton(pairs: list[Pair], seed: int, share: float = 0.1) -> Split:
    """The test has a share of the pairs, whose skeletons training never shows.

    A long sentence often has a skeleton of its own, so what this asks for shows best on short ones.
    """
    having: dict[str, list[int]] = {}
    for place, pair in enumerate(pairs):
        having.setdefault(pair.skeleton, []).append(place)
    rng = Random(seed)
    _, places = _held_out(having, _size(pairs, share), rng)
    return _parted(pairs, [place in places for place in range(len(pairs))], rng, share)


def by_combination(pairs: list[Pair], seed: int, share: float = 0.1) -> Split:
    """The test has about a share of the pairs: those where an adjective and its noun, or a verb and its object, first meet.

    Training shows both words, each in other company. A pair for which it does not is left out of the test.
    """
    having: dict[tuple[str, str], list[int]] = {}
    for place, pair in enumerate(pairs):
        for combination in pair.combinations:
            having.setdefault(combination, []).append(place)
    rng = Random(seed)
    held, places = _held_out(having, _size(pairs, share), rng)
    split = _parted(pairs, [place in places for place in range(len(pairs))], rng, share)
    shown = {word for pair in split.train for combination in pair.combinations for word in combination}
    return split._replace(test=[p for p in split.test if all(shown.issuperset(c) for c in p.combinations & held)])


def _held_out(having: dict, size: int, rng: Random) -> tuple[set, set[int]]:
    """Keys at random, as many as fit, that at most `size` places have in all; and these places."""
    held, places = set(), set()
    for key in rng.sample(sorted(having), len(having)):
        new = set(having[key]) - places
        if len(places) + len(new) <= size:
            held.add(key)
            places |= new
    return held, places


def _parted(pairs: list[Pair], tested: list[bool], rng: Random, share: float) -> Split:
    """The tested pairs, and the others at random in training and validation."""
    test = [pair for pair, chosen in zip(pairs, tested) if chosen]
    others = [pair for pair, chosen in zip(pairs, tested) if not chosen]
    rng.shuffle(others)
    size = _size(others, share)
    return Split(others[size:], others[:size], test)


def _size(pairs: list[Pair], share: float) -> int:
    if not 0 < share < 0.5:
        raise ValueError(f"share is {share}; expected more than 0 and less than a half")
    if share * len(pairs) < 1:
        raise ValueError(f"pairs holds {len(pairs)} to divide; expected enough that a share of {share} is a pair or more")
    return int(share * len(pairs))
