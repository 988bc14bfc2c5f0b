"""Models made of `utils.transformer`'s blocks, for a page that runs them: which it can run, and their weights, a byte each.

The page's part is blocks.js, which several figures share. `rounded` is the model that the page computes with, in Python.
Matrices go there as `utils.figures.packing` has it; biases, and what normalises, in float32.
"""

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils.attention.multihead import MultiHeadAttention
from utils.figures import packing
from utils.transformer import FeedForward, Stack

Model = TypeVar("Model", bound=nn.Module)
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu_tanh": partial(F.gelu, approximate="tanh")}


def kind(stack: Stack) -> dict[str, Any]:
    """`layers`, `heads` and `activation`, which is all that blocks.js must know beside the weights.

    ValueError for a stack that it cannot run: one whose blocks normalise last, turn by their places, or have something else
    than the network of a place.
    """
    blocks = list(stack.blocks)
    attentions = [a for block in blocks for a in (block.attention, block.cross) if a is not None]
    norms = [norm for norm in stack.modules() if isinstance(norm, nn.LayerNorm)]
    heads = {attention.heads for attention in attentions}
    for wrong, expected in (
        (not all(block.norm_first for block in blocks) or stack.norm is None, "norm_first=True and a norm at its end"),
        (any(type(attention) is not MultiHeadAttention for attention in attentions), "attention without rotations"),
        (any(type(block.between) is not FeedForward for block in blocks), "a FeedForward in each block"),
        (len(heads) != 1, "as many heads in each block"),
        (any(norm.eps != 1e-5 for norm in norms), "eps 1e-5 in each LayerNorm"),
    ):
        if wrong:
            raise ValueError(f"model has a stack that the page cannot run; expected {expected}")
    return {"layers": len(blocks), "heads": heads.pop(), "activation": _name({block.between.activation for block in blocks})}


def weights(model: nn.Module) -> dict[str, Any]:
    """The weights by their names in the model, each once: a matrix packed, anything else float32."""
    return {
        name: packing.packed(parameter) if parameter.ndim == 2 else parameter.detach().cpu().numpy().astype(np.float32)
        for name, parameter in model.named_parameters()
    }


def rounded(model: Model) -> Model:
    """A copy of the model with the weights that the page has: each is off by at most 1 / 254 of its row's largest."""
    copy = deepcopy(model)
    with torch.no_grad():
        for parameter in copy.parameters():
            if parameter.ndim == 2:
                parameter.copy_(packing.rounded(parameter))
    return copy


def expect_light(model: nn.Module, heaviest: int) -> None:
    """At most `heaviest` weights, all of them finite."""
    size = sum(parameter.numel() for parameter in model.parameters())
    if size > heaviest:
        raise ValueError(f"model has {size} parameters; expected at most {heaviest}, since the page carries them all")
    if not all(parameter.isfinite().all() for parameter in model.parameters()):
        raise ValueError("model holds a NaN or an infinity among its parameters")


def _name(activations: set[Callable[[Tensor], Tensor]]) -> str:
    """What ACTIVATIONS calls them, known by their values."""
    x = torch.linspace(-4, 4, 33)
    for name, known in ACTIVATIONS.items():
        if all(torch.allclose(activation(x), known(x), atol=1e-6) for activation in activations):
            return name
    raise ValueError(f"model has an activation that the page does not know; expected one of {', '.join(ACTIVATIONS)}")
