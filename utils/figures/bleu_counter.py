"""BLEU, counted: which n-grams of the reader's translation stand in a reference, and what score that makes.

The page counts by itself, one sentence against one reference, as `utils.metrics.bleu_by_definition` does (Papineni et al.
2002). Left out: several references, and corpora. `utils.figures.embed` puts it into the page.
"""

from collections.abc import Sequence

from utils.figures.embed import Figure, embed

LONGEST = 20  # words of a sentence: the page cuts what is longer, and says so
LONGEST_TEXT = 300  # characters


def bleu_counter(examples: Sequence[tuple[str, str]]) -> Figure:
    """The figure, which opens on the first of the `examples`: pairs (hypothesis, reference), each a button on the page.

    White space divides words; nothing is lower-cased, split or joined beyond that.
    """
    _expect_examples(examples)
    return embed(
        "bleu_counter",
        {"examples": [list(pair) for pair in examples], "longest": LONGEST, "longest_text": LONGEST_TEXT},
        title="BLEU, counted",
        description=(
            "The blocks are the n-grams of a translation: its words, and beside them all runs of two, three and four words. "
            "Full blocks count. Striped ones are clipped: the reference has them, but not as often. Empty ones are not in the "
            "reference. Change either sentence and see what becomes of the fractions, the brevity penalty and BLEU; go to a "
            "block to see where it stands in the reference."
        ),
    )


def _expect_examples(examples: Sequence[tuple[str, str]]) -> None:
    pairs = not isinstance(examples, str) and all(
        not isinstance(pair, str) and len(pair) == 2 and all(isinstance(text, str) for text in pair) for pair in examples
    )
    if not pairs:
        raise TypeError(f"examples is {examples!r}; expected a list of pairs of strings, (hypothesis, reference)")
    if not examples:
        raise ValueError("examples is empty; expected at least one pair (hypothesis, reference)")
    for text in (text for pair in examples for text in pair):
        if not 1 <= len(text.split()) <= LONGEST:
            raise ValueError(f"examples holds {text!r} of {len(text.split())} words; expected 1 to {LONGEST}")
        if len(text) > LONGEST_TEXT:
            raise ValueError(f"examples holds a text of {len(text)} characters; expected at most {LONGEST_TEXT}")
