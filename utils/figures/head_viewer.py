"""All heads of a transformer side by side: the page runs a trained translator on the reader's sentence and shows every weight.

After Vaswani et al. (2017, figures 3 to 5), who show a sentence or two, and Vig (2019), who sets the heads of all layers side
by side. `export` gives what the page computes with, and `rounded` the same in Python. Left out: any word but the most
probable one at each step.
"""

from collections.abc import Sequence
from typing import Any

from utils.data.text import Vocabulary
from utils.figures import blocks, controls, matrices, sentence
from utils.figures.blocks import rounded as rounded
from utils.figures.embed import Figure, embed
from utils.figures.sentence import expect_examples, expect_tokens, typeable
from utils.transformer import Transformer

LONGEST = 20  # words of a sentence
STEPS = 2 * LONGEST  # words of a translation: where none has ended by then, it is cut
HEAVIEST = 350_000  # parameters: 0.6 megabytes of the page


def head_viewer(model: Transformer, source: Vocabulary, target: Vocabulary, examples: Sequence[str]) -> Figure:
    """The figure for a model whose blocks normalise first; it opens on the first of the `examples`.

    A sentence is words of the `source` vocabulary with spaces between them, and the model reads these words and nothing else.
    Tokens in angle brackets, <end> for one, cannot be typed.
    """
    _expect_model(model, source, target)
    words = typeable(source)
    expect_examples(examples, words, LONGEST, "source vocabulary")
    state = export(model)
    layers, heads = (state["decoder"][name] for name in ("layers", "heads"))
    return embed(
        "head_viewer",
        state
        | {"source": source.tokens, "target": target.tokens, "words": words, "examples": list(examples)}
        | {"longest": LONGEST, "steps": STEPS},
        title="Every head at once",
        description=(
            f"A transformer that knows {len(words)} words translates your sentence, with the most probable word at each step. "
            f"Choose one of its three kinds of attention and one of {layers} layers: the matrices are the weights of its "
            f"{heads} heads, a row for each word that looks, a column for each word that may be looked at. The stronger "
            "the colour, the larger the weight. Choose a head to enlarge it; go to a cell to read its weight, and its row's."
        ),
        parts=[sentence, matrices, controls, blocks],
    )


def export(model: Transformer) -> dict[str, Any]:
    """What the page needs to run the model: `start`, `end`, what its stacks are like, and its weights by their names in it.

    The readout's matrix is that of the target words, so it is there once.
    """
    stacks = {"encoder": blocks.kind(model.encoder), "decoder": blocks.kind(model.decoder)}
    return stacks | {"start": model.start, "end": model.end, "weights": blocks.weights(model)}


def _expect_model(model: Transformer, source: Vocabulary, target: Vocabulary) -> None:
    if not isinstance(model, Transformer):
        raise TypeError(f"model is of type {type(model).__name__}; expected a Transformer")
    blocks.expect_light(model, HEAVIEST)
    expect_tokens("source", source, model.source_words.num_embeddings)
    expect_tokens("target", target, model.target_words.num_embeddings)
