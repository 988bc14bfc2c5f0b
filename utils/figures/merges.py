"""Byte-pair encoding on the reader's own text, merge by merge: words as tokens, ranked pairs, vocabulary, and any other word.

The page counts the words, learns the merges and encodes by itself, with the rules of `utils.bpe`, ties included. Left out:
punctuation, which stays with its word, and the white space between words. `utils.figures.embed` puts it into the page.
"""

from utils.figures.embed import Figure, embed

LONGEST, LONGEST_WORD = 3000, 60  # characters of the text, and of the word beside it
MOST = 200  # merges: with these bounds each change is worked out in a blink
EXAMPLES = [  # (name, text, another word): what the page offers beside the text it opens on
    ("shared endings", "low*5 lower*2 newest*6 widest*3", "lowest"),
    ("ties", "aaabdaaabac", "aaaac"),
    (
        "a paragraph",
        "The longer a list of words grows, the more of them are rare. Yet a rare word is seldom new in all its parts: a reader "
        "who has met likely, unknown and the rarest may never have seen unlikeliest, and still knows what it means. Words are "
        "made of parts, parts are shared between words, and what is shared can be counted. Whoever counts the pairs of "
        "neighbouring letters, and makes one symbol of the pair that is counted most often, finds the parts again without "
        "knowing the language.",
        "unlikeliest",
    ),
    ("beyond English", "naïve café cafés Größe Grüße größer été 日本 日本語 本 👋 👋🏽 👩‍👩‍👧 👩‍👧", "Füße"),
]


def merges_figure(text: str, word: str, *, merges: int = 3) -> Figure:
    """The figure, which opens on `text` after so many `merges`, or as many as there are, and beside it on another `word`.

    White space divides words; "hug*10" in the text stands for the word hug, ten times.
    """
    for name, value, most in (("text", text, LONGEST), ("word", word, LONGEST_WORD)):
        if not isinstance(value, str):
            raise TypeError(f"{name} is {value!r}; expected a string")
        if not value.strip() or len(value) > most:
            raise ValueError(f"{name} has {len(value)} characters; expected at most {most}, and not white space alone")
    if not isinstance(merges, int) or not 0 <= merges <= MOST:
        raise ValueError(f"merges is {merges!r}; expected a whole number from 0 to {MOST}")
    return embed(
        "merges",
        {
            "examples": [("the page's own", text, word), *EXAMPLES],
            "merges": merges,
            "most": MOST,
            "longest": LONGEST,
            "longest_word": LONGEST_WORD,
        },
        title="Byte-pair encoding, merge by merge",
        description=(
            "Each step counts how often two symbols stand side by side within words, and makes one symbol of the most frequent "
            "pair. Step through the merges and see the words, the ranked pairs, the vocabulary, and how many tokens the text "
            "takes. Write your own text, cut it into bytes instead of characters, decide ties otherwise, or encode a word "
            "that the text does not have."
        ),
    )
