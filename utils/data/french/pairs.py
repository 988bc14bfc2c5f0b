"""English sentences with their French translations and the words that translate each other: as many as a model can learn from.

>>> print(gloss(textbook()[1]))
look it up
cherchez=look+up -le=it

The English alone decides the French, by conventions that a reader can state:

- You is one person, a friend (tu), but orders are polite (vous): look it up, cherchez-le. In an order no other word means you.
- I, you, it and they count as masculine: they stand for what the sentence does not name.
- The past is the passé composé, but the imperfect of être and avoir (was old, était vieux).
- A question has est-ce que.

Words are in lower case, and sentences end without a full stop. What French elides stands alone (j' aime, l' ami), and so does
what it hangs on an order (cherchez -le). Every word is linked: do with the finite verb, the auxiliary that opens a question
with est-ce que too, a contraction with what both its words stand for.
"""

from collections import Counter, defaultdict
from random import Random

from utils.data.french import lexicon
from utils.data.french.draw import Speaker
from utils.data.french.grammar import clause, command, noun_phrase, of, pronoun
from utils.data.french.phrases import Pair, pair

PATIENCE = 3000  # draws in a row that give no new sentence


def pairs(count: int, seed: int, shortest: int = 3, longest: int = 20) -> list[Pair]:
    """`count` pairs, no two with the same English, of `shortest` to `longest` English words.

    Every length is asked for equally often, and a sentence that comes out a word longer or shorter is taken as well: lengths
    are nearly even, but rarer at both ends.
    """
    if count < 1:
        raise ValueError(f"count is {count}; expected at least 1 pair")
    if not 3 <= shortest <= longest:
        raise ValueError(f"shortest is {shortest} and longest {longest}; expected 3 <= shortest <= longest")
    rng = Random(seed)
    speaker = Speaker(rng)
    found: dict[tuple[str, ...], Pair] = {}
    missed = 0
    while len(found) < count:
        drawn = pair(speaker.sentence(rng.randint(shortest, longest)))
        if shortest <= len(drawn.english) <= longest and drawn.english not in found:
            found[drawn.english], missed = drawn, 0
        elif (missed := missed + 1) > PATIENCE:
            raise ValueError(f"count is {count}; found {len(found)} sentences of {shortest} to {longest} words and few more")
    return list(found.values())


def textbook() -> list[Pair]:
    """Three sentences that texts on attention quote, from the same grammar."""
    i, you, it = pronoun(lexicon.I, "subject"), pronoun(lexicon.YOU, "object"), pronoun(lexicon.IT, "object")
    (zone,) = (noun for noun in lexicon.NOUNS if noun.english[0] == "zone")
    (international,) = (adjective for adjective in lexicon.ADJECTIVES if adjective.english == "international")
    control = noun_phrase(None, lexicon.IDEAS[0], adjectives=[international])
    phrases = [
        clause(i, lexicon.VERBS["love"], you),
        command(lexicon.VERBS["look up"], it),
        of(noun_phrase(lexicon.ARTICLE, zone), control).phrase,
    ]
    return [pair(phrase) for phrase in phrases]


def gloss(pair: Pair) -> str:
    """A pair to read: the English, and each French word with the English words that it is linked with.

    >>> print(gloss(textbook()[0]))
    i love you
    je=i t'=you aime=love
    """
    linked = [[word for i, word in enumerate(pair.english) if (i, j) in pair.links] for j in range(len(pair.french))]
    return " ".join(pair.english) + "\n" + " ".join(f"{word}={'+'.join(of)}" for word, of in zip(pair.french, linked))


def crosses(pair: Pair) -> bool:
    """Whether any two links cross, so that no reading from left to right in both languages keeps to them."""
    links = sorted(pair.links)
    highest = -1  # the furthest French place that an earlier English word is linked with
    for i in range(len(pair.english)):
        places = [j for place, j in links if place == i]
        if places and min(places) < highest:
            return True
        highest = max([highest, *places])
    return False


# --- word for word


def word_table(pairs: list[Pair]) -> dict[str, str]:
    """For each English word the French word that it is linked with most often, the first in the alphabet if several are."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in pairs:
        for i, j in one.links:
            counts[one.english[i]][one.french[j]] += 1
    return {word: min(found, key=lambda french: (-found[french], french)) for word, found in counts.items()}


def word_for_word(table: dict[str, str], english: tuple[str, ...]) -> tuple[str, ...]:
    """A translation that a model must beat: each word by itself, in the English order; a word not in the table stays."""
    return tuple([table.get(word, word) for word in english])


def first_words(pair: Pair) -> tuple[str, ...]:
    """For each English word the first French word that it is linked with.

    >>> first_words(textbook()[0])
    ('je', 'aime', "t'")
    """
    return tuple([min((j, pair.french[j]) for place, j in pair.links if place == i)[1] for i in range(len(pair.english))])
