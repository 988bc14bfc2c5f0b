"""Pairs of English sentences and whether the second follows from the first, from the grammar of `utils.data.french`.

The second says the first again, with parts made vaguer: an adjective or adverb left out, a noun replaced by its kind. So it
follows (entails), unless one part excludes what the first says (contradicts: not, another colour, the opposite size, age or
mood), or says what the first does not tell (neutral: another noun of the kind, another adjective that is not excluded). The
labels are right by these rules; no person was asked.
"""

from random import Random
from typing import NamedTuple

from utils.data.french import grammar, lexicon
from utils.data.french.draw import adjectives
from utils.data.french.phrases import pair
from utils.data.french.words import Adjective, Noun, noun

CLASSES = ["entails", "contradicts", "neutral"]
KINDS = {kind: noun(f"{kind} {kind} m", kind) for kind in ("person", "animal", "thing", "place")}  # the French is not read
NOUNS = [one for one in lexicon.NOUNS if one.kind in KINDS]
VERBS = [lexicon.VERBS[lemma] for lemma in ("see", "love", "look for", "look at", "draw")]
EXCLUDING = [{"red", "white", "black", "blue"}, {"big", "small"}, {"old", "new"}, {"happy", "sad"}]


class Labelled(NamedTuple):
    first: tuple[str, ...]
    second: tuple[str, ...]
    label: int  # in CLASSES


def entailment(count: int, seed: int) -> list[Labelled]:
    """`count` pairs, no two alike, the labels in turn: "the sad bird sees the red hat", "the bird sees the thing", 0."""
    rng, found = Random(seed), {}
    while len(found) < count:
        label = len(found) % len(CLASSES)
        nouns = [rng.choice([one for one in NOUNS if one.kind == "person"]), rng.choice(NOUNS)]
        parts = [(one, rng.choice(_fitting(one))) for one in nouns]
        verb, adverb = rng.choice(VERBS), rng.choice(["", "often", "always"])
        said = [_vaguer(rng, *part) for part in parts]
        after = rng.choice(["", adverb])
        if label == 1 and rng.random() < 0.3:
            after = "not"
        elif label > 0:
            changed = rng.randrange(2)
            said[changed] = _changed(rng, *parts[changed], excluded=label == 1)
        if None not in said:
            first, second = _words(parts, verb, adverb), _words(said, verb, after)
            found.setdefault((first, second), Labelled(first, second, label))
    return list(found.values())


def _fitting(noun: Noun) -> list[Adjective]:
    return adjectives(noun.kind, True) + adjectives(noun.kind, False)


def _vaguer(rng: Random, noun: Noun, adjective: Adjective) -> tuple[Noun, Adjective | None]:
    return rng.choice([noun, KINDS[noun.kind]]), rng.choice([adjective, None])


def _changed(rng: Random, noun: Noun, adjective: Adjective, excluded: bool) -> tuple[Noun, Adjective | None] | None:
    """With another noun of the kind, or another adjective, one that the first excludes or not; None where there is no such."""
    if not excluded and rng.random() < 0.5:
        return rng.choice([one for one in NOUNS if one.kind == noun.kind and one != noun]), rng.choice([adjective, None])
    rivals = {word for group in EXCLUDING if adjective.english in group for word in group}
    others = [one for one in _fitting(noun) if (one.english in rivals) == excluded and one != adjective]
    return (rng.choice([noun, KINDS[noun.kind]]), rng.choice(others)) if others else None


def _words(parts: list[tuple[Noun, Adjective | None]], verb, adverb: str) -> tuple[str, ...]:
    phrases = [grammar.noun_phrase(lexicon.ARTICLE, noun, False, [a for a in [adjective] if a]) for noun, adjective in parts]
    return pair(grammar.clause(phrases[0], verb, phrases[1], adverb=adverb)).english
