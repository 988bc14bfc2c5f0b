"""Alignment as ribbons: the page runs a trained attention translator on the reader's sentence and draws where each word looked.

After Bahdanau, Cho and Bengio (2015, figure 3), who show four sentences. `rounded` is the model that the page computes with, in
Python. `utils.figures.embed` puts it into the page.

Matrices go there as `utils.figures.packing` has it, a byte a weight; biases in float32.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from torch import Tensor

from utils.attention.additive import AdditiveAttention
from utils.attention.translator import AttentionTranslator
from utils.data.text import Vocabulary
from utils.figures import controls, packing, sentence
from utils.figures.embed import Figure, embed
from utils.figures.sentence import expect_examples, expect_tokens, typeable

LONGEST = 20  # words of a sentence
STEPS = 2 * LONGEST  # words of a translation: where none has ended by then, it is cut
HEAVIEST = 400_000  # parameters: half a megabyte of the page


def ribbons(model: AttentionTranslator, source: Vocabulary, target: Vocabulary, examples: Sequence[str]) -> Figure:
    """The figure for a model with additive attention over both directions; it opens on the first of the `examples`.

    A sentence is words of the `source` vocabulary with spaces between them, and the model reads these words and nothing else.
    Tokens in angle brackets, <end> for one, cannot be typed.
    """
    _expect_model(model, source, target)
    words = typeable(source)
    expect_examples(examples, words, LONGEST, "source vocabulary")
    return embed(
        "ribbons",
        export(model)
        | {"source": source.tokens, "target": target.tokens, "words": words, "examples": list(examples)}
        | {"longest": LONGEST, "steps": STEPS},
        title="Alignment as ribbons",
        description=(
            f"A translator with attention, which knows {len(words)} words, translates your sentence. At each step it takes the "
            "most probable word. A ribbon from a word of the sentence to one of the translation is as wide as the attention "
            "weight between them. Step through the translation, or go to one of its words, to see the weights as numbers."
        ),
        parts=[sentence, controls],
    )


def rounded(model: AttentionTranslator) -> AttentionTranslator:
    """A copy of the model with the weights that the page has: each is off by at most 1 / 254 of its row's largest."""
    copy = deepcopy(model)
    weights = {name: packing.rounded(matrix) for name, matrix in _matrices(model).items()}
    copy.load_state_dict(model.state_dict() | {name: _as_rows(name, matrix) for name, matrix in weights.items()})
    return copy


def export(model: AttentionTranslator) -> dict[str, Any]:
    """What the page needs to run the model: `start`, `end` and `word_in_query`, and its weights by their names in the model.

    A matrix has a row for each unit that it computes, as torch.nn's have: `levels` (rows, columns) uint8, 128 standing for 0,
    and `scales` (rows,) float32. A bias is float32.
    """
    matrices = _matrices(model)
    packed = {name: packing.packed(matrix) for name, matrix in matrices.items()}
    biases = {name: bias.detach().cpu().numpy() for name, bias in model.state_dict().items() if name not in matrices}
    choices = {"start": model.start, "end": model.end, "word_in_query": model.word_in_query}
    return choices | {"weights": packed | biases}


def _matrices(model: AttentionTranslator) -> dict[str, Tensor]:
    return {name: _as_rows(name, weight) for name, weight in model.state_dict().items() if weight.ndim == 2}


def _as_rows(name: str, weight: Tensor) -> Tensor:
    """The decoder's two matrices are stored as x @ W has them, a column for each unit: this turns them, there and back."""
    return weight.mT if name.startswith("decoder.") else weight


def _expect_model(model: AttentionTranslator, source: Vocabulary, target: Vocabulary) -> None:
    if not isinstance(model, AttentionTranslator):
        raise TypeError(f"model is of type {type(model).__name__}; expected an AttentionTranslator")
    if not isinstance(model.attention, AdditiveAttention):
        raise TypeError(f"model.attention is of type {type(model.attention).__name__}; expected an AdditiveAttention")
    if not model.encoder.bidirectional:
        raise ValueError("model.encoder reads in one direction; expected both")
    size = sum(parameter.numel() for parameter in model.parameters())
    if size > HEAVIEST:
        raise ValueError(f"model has {size} parameters; expected at most {HEAVIEST}, since the page carries them all")
    if not all(parameter.isfinite().all() for parameter in model.parameters()):
        raise ValueError("model holds a NaN or an infinity among its parameters")
    expect_tokens("source", source, model.source_words.num_embeddings)
    expect_tokens("target", target, model.target_words.num_embeddings)
