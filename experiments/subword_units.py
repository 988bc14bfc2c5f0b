"""Words, characters and subwords as units: what stays unknown, how many tokens a word takes, whether cuts meet morphemes."""

import bz2
from collections import Counter
from functools import cache
from pathlib import Path

import gensim
import numpy as np
from gensim.corpora.wikicorpus import extract_pages, filter_wiki

from utils.data.wikipedia import articles
from utils.tokenizer import Tokenizer, train_tokenizer
from utils.units import Cut, affix_places, boundaries_found, fertility, unknown_share, words_of

CHAPTER = "04-subword-tokens"
CLAIM = (
    "With 8,192 tokens each, subwords leave no word unknown where words leave many, take fewer than two tokens a word, and are "
    "cut where an affix begins or ends twice as often as by chance; in another language they take at least four times as many."
)
SOURCE = "Sennrich et al. 2016 (section 3); on morphemes Bostrom and Durrett 2020, on languages Petrov et al. 2023"
PUBLISHED = "none at this size; across languages one text takes up to 15 times as many tokens (Petrov et al. 2023)"
TOLERANCE = (
    "held out, on every seed, with 8,192 tokens: at least 5% of the running words unknown to words and none to subwords; "
    "fertility of subwords below 2 in English and at least 4 times as high in Bulgarian; "
    "affixes found at least twice as often as by chance"
)
SEEDS = (0, 1, 2)
HELDOUT = 20  # articles, which the seed draws
SIZES = (512, 1024, 2048, 4096, 8192, 16384, 32768)
BULGARIAN = "bgwiki-latest-pages-articles-shortened.xml.bz2"  # one article, which no tokenizer here was trained on


@cache
def bulgarian() -> str:
    """The article on the Gregorian calendar that gensim carries from the Bulgarian Wikipedia (its authors, CC BY-SA)."""
    with bz2.open(Path(gensim.__file__).parent / "test" / "test_data" / BULGARIAN) as dump:
        return "\n".join(filter_wiki(source) for _, source, _ in extract_pages(dump, filter_namespaces=("0",)))


def drawn_split(seed: int) -> tuple[str, str]:
    """The English extract without HELDOUT articles that the seed draws, and these."""
    texts = [text for _, text in articles()]
    drawn = set(np.random.default_rng(seed).choice(len(texts), HELDOUT, replace=False).tolist())
    train, heldout = ([text for i, text in enumerate(texts) if (i in drawn) == wanted] for wanted in (False, True))
    return "\n\n".join(train), "\n\n".join(heldout)


def subwords(tokenizer: Tokenizer) -> Cut:
    """Cuts a word as it is cut within a text, behind a space; the space is not part of the tokens that come back."""

    def cut(word: str) -> list[bytes]:
        first, *rest = tokenizer.tokens(tokenizer.encode(f" {word}"))
        return [first[1:], *rest] if first != b" " else rest

    return cut


def settings(scale: str) -> list[dict]:
    """Every kind of unit, and the sizes of its vocabulary. Characters have the size that they have: 0."""
    sizes = (300,) if scale == "tiny" else SIZES
    return [{"kind": "characters", "size": 0}, *({"kind": kind, "size": s} for kind in ("words", "subwords") for s in sizes)]


def run(seed: int, scale: str, kind: str, size: int) -> dict[str, float]:
    """The measures of one kind of unit, on the words of the articles held out and of the Bulgarian one."""
    train, heldout = drawn_split(seed)
    if scale == "tiny":
        train, heldout = train[:20_000], heldout[:20_000]
    english, foreign = Counter(words_of(heldout)), Counter(words_of(bulgarian()))
    if kind == "words":
        frequent = [word for word, _ in Counter(words_of(train)).most_common(size)]
        cut, vocabulary = (lambda word: [word]), len(frequent)
        known = set(frequent).__contains__
    elif kind == "characters":
        letters = set(train)
        cut, vocabulary = list, len(letters)
        known = letters.issuperset
    else:
        tokenizer = train_tokenizer(train, size)
        cut, vocabulary = subwords(tokenizer), len(tokenizer)
        known = lambda word: tokenizer.decode(tokenizer.encode(word)) == word  # noqa: E731
    found, chance = boundaries_found(affix_places([word for word in english if word.isascii() and word.islower()]), cut)
    measures = {
        "vocabulary": float(vocabulary),
        "unknown": unknown_share(english, known),
        "unknown, Bulgarian": unknown_share(foreign, known),
        "tokens a word": fertility(english, cut),
        "tokens a word, Bulgarian": fertility(foreign, cut),
        "affixes found": found,
        "affixes found by chance": chance,
    }
    name = f"{kind}, {size}" if size else kind
    return {f"{name}, {measure}": value for measure, value in measures.items()}


def holds(numbers: dict) -> bool:
    names = ("unknown", "tokens a word", "tokens a word, Bulgarian", "affixes found", "affixes found by chance")
    unknown, english, foreign, found, chance = (numbers[f"subwords, 8192, {name}"] for name in names)
    nothing_lost = (numbers["words, 8192, unknown"] >= 0.05).all() and (unknown == 0).all()
    return bool(nothing_lost and (english < 2).all() and (foreign >= 4 * english).all() and (found >= 2 * chance).all())
