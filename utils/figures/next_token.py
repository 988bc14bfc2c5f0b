"""Generation, a token at a time: the page runs a small language model over the reader's beginning, and draws what comes next.

The rules are those of `utils.sampling`, in the same order: temperature, top-k, nucleus. `rounded` is the model that the page
computes with, in Python. Keys and values are cached. Where a text becomes longer than the model's `longest`, the first half of
what it read goes, and the rest is read anew, for each token then stands at another place: `window` says what is read.
"""

from typing import Any

from utils.data.text import Vocabulary
from utils.figures import blocks
from utils.figures.blocks import rounded as rounded
from utils.figures.embed import Figure, embed
from utils.figures.sentence import expect_tokens
from utils.language_models import GPT

TYPED = 400  # characters of a beginning
HEAVIEST = 450_000  # parameters: 0.6 megabytes of the page


def next_token(model: GPT, vocabulary: Vocabulary, beginning: str) -> Figure:
    """The figure for a GPT over characters; it opens on `beginning`, and on a few characters drawn after it."""
    _expect_model(model, vocabulary)
    unknown = [character for character in beginning if character not in vocabulary]
    if unknown:
        raise ValueError(f"beginning is {beginning!r}, and {unknown[0]!r} is not in the vocabulary")
    if not 1 <= len(beginning) <= TYPED:
        raise ValueError(f"beginning has {len(beginning)} characters; expected 1 to {TYPED}")
    return embed(
        "next_token",
        export(model) | {"alphabet": vocabulary.tokens, "beginning": beginning, "typed": TYPED},
        title="The next token",
        description=(
            f"A language model of {len(vocabulary)} characters continues your text. For each character the bars show how "
            "probable it is as the next one: by the model, and after temperature, top-k and nucleus. Draw one, or choose one "
            f"yourself. The model reads up to {model.longest} characters."
        ),
        parts=[blocks],
    )


def export(model: GPT) -> dict[str, Any]:
    """What the page needs to run the model: `layers`, `heads`, `activation`, `longest`, and `weights` by their names in it."""
    return blocks.kind(model.stack) | {"longest": model.longest, "weights": blocks.weights(model)}


def window(length: int, longest: int) -> int:
    """Of a text of `length` tokens, how many at its end the page's model reads: all up to `longest`, then more than half of it.

    >>> [window(length, 4) for length in range(1, 9)]
    [1, 2, 3, 4, 3, 4, 3, 4]
    """
    half = -(-longest // 2)
    return length - half * max(0, -(-(length - longest) // half))


def _expect_model(model: GPT, vocabulary: Vocabulary) -> None:
    if not isinstance(model, GPT):
        raise TypeError(f"model is of type {type(model).__name__}; expected a GPT")
    blocks.expect_light(model, HEAVIEST)
    expect_tokens("vocabulary", vocabulary, model.words.num_embeddings)
    longer = [token for token in vocabulary.tokens if len(token) != 1]
    if longer:
        raise ValueError(f"vocabulary holds {longer[0]!r}; expected single characters")
