"""Hidden units over text: the page runs a trained character LSTM over what the reader types and colours it by one unit.

What Python does is export the weights; `activations` computes from them what the page must show. After Karpathy, Johnson and
Fei-Fei (2015), "Visualizing and understanding recurrent networks", whose figures were pictures of fixed text.
"""

from typing import Any

import numpy as np
import torch
from torch import nn

from utils.data.text import Vocabulary
from utils.figures.embed import Figure, embed
from utils.rnn import LSTM, LanguageModel

LONGEST = 400  # characters; the page computes them all again at each key


def hidden_units(model: LanguageModel, vocabulary: Vocabulary, text: str) -> Figure:
    """The figure for a character model whose layer is an LSTM, ours or torch's with one layer; it opens on `text`."""
    if not any(character in vocabulary for character in text):
        raise ValueError(f"text is {text!r}; expected some characters of the vocabulary")
    if len(text) > LONGEST:
        raise ValueError(f"text has {len(text)} characters; expected at most {LONGEST}")
    units = model.readout.in_features
    return embed(
        "hidden_units",
        export(model, vocabulary) | {"text": text, "longest": LONGEST},
        title="Hidden units over text",
        description=(
            f"A character LSTM with {units} units reads your text from left to right. Each character is coloured by the "
            "activation of one unit right after reading it: blue below zero, orange above. Point at a character, or move to it "
            "with the arrow keys, to see the number and what the model expects next. Change the text and the unit."
        ),
    )


def export(model: LanguageModel, vocabulary: Vocabulary) -> dict[str, Any]:
    """What the page needs to run the model, rounded to float16: alphabet, table (V, 4H), W_hh (H, 4H), W_hy (H, V), b_y (V,).

    A character enters an LSTM only through x W_xh + b_x + b_h, so embedding, W_xh and both biases fold into one table with a
    row for each character; gates in the order i, f, g, o.
    """
    layer = model.layer
    if isinstance(layer, nn.RNNBase):
        layer = LSTM.from_torch(layer)
    if not isinstance(layer, LSTM):
        raise TypeError(f"model.layer is a {type(layer).__name__}; expected a utils.rnn.LSTM or a torch.nn.LSTM")
    if len(vocabulary) != model.vocabulary:
        raise ValueError(f"vocabulary has {len(vocabulary)} tokens; expected {model.vocabulary}, as many as the model reads")
    longer = [token for token in vocabulary.tokens if len(token) != 1]
    if longer:
        raise ValueError(f"vocabulary holds {longer[0]!r}; expected single characters")
    table = model.embedding.weight.double() @ layer.W_xh.double() + layer.b_x.double() + layer.b_h.double()  # (V, 4H)
    weights = {"table": table, "W_hh": layer.W_hh, "W_hy": model.readout.weight.mT, "b_y": model.readout.bias}
    rounded = {name: weight.detach().cpu().numpy().astype(np.float16) for name, weight in weights.items()}
    return {"alphabet": vocabulary.tokens, **rounded}


@torch.no_grad()
def activations(state: dict[str, Any], text: str) -> tuple[np.ndarray, np.ndarray]:
    """What the page computes from an exported state, in double precision: h (T, H) and p(next character) (T, V).

    T counts the characters of `text` that are in the alphabet; the others are skipped.
    """
    table, W_hh, W_hy, b_y = (torch.from_numpy(state[name]).double() for name in ("table", "W_hh", "W_hy", "b_y"))
    ids = [state["alphabet"].index(character) for character in text if character in state["alphabet"]]
    if not ids:
        return np.empty((0, len(W_hh))), np.empty((0, len(b_y)))
    layer = LSTM(1, len(W_hh)).double()  # its W_xh and b_x are in the table, so `scan` takes rows of that
    layer.W_hh.copy_(W_hh)
    layer.b_h.zero_()
    h, _ = layer.scan(table[None, ids], layer.initial_state(1))  # (1, T, H)
    return h[0].numpy(), torch.softmax(h[0] @ W_hy + b_y, -1).numpy()
