"""Scaled dot-product attention, forward and backward, beside PyTorch's fused one and beside the bare formula, against length.

Ours and the bare formula hold a matrix of n x n weights; the fused one never does. What each keeps for the backward pass is
counted in bytes, which no load on the machine can change.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.compare import Row, pace
from utils.attention.multihead import causal_mask, scaled_dot_product

HEADS, D = 4, 64
LENGTHS = (128, 512, 2048)
Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


def bare(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The formula and no more: no mask, no checks, no row that may see nothing."""
    return (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1) @ v


def kept(attend: Attend, inputs: list[Tensor]) -> int:
    """Bytes that the forward pass keeps for the backward one; what several tensors share counts once."""
    storages = {}

    def note(tensor: Tensor) -> Tensor:
        storages[tensor.untyped_storage().data_ptr()] = tensor  # held, so that no address is used again
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        attend(*inputs)
    return sum(tensor.untyped_storage().nbytes() for tensor in storages.values())


def rows() -> list[Row]:
    found = []
    for n in LENGTHS:
        inputs = [torch.randn(1, HEADS, n, D, requires_grad=True) for _ in range(3)]
        mask = causal_mask(n)
        kinds: dict[str, tuple[Attend, Attend]] = {
            "all see all": (lambda *qkv: scaled_dot_product(*qkv)[0], F.scaled_dot_product_attention),
            "causal": (
                lambda *qkv, mask=mask: scaled_dot_product(*qkv, mask)[0],
                lambda *qkv: F.scaled_dot_product_attention(*qkv, is_causal=True),
            ),
        }
        for kind, (ours, fused) in kinds.items():
            torch.testing.assert_close(ours(*inputs), fused(*inputs), atol=1e-5, rtol=1e-5)
            what, peers = f"attention, {kind}, n = {n}", {"SDPA": fused}
            if kind == "all see all":
                peers["bare formula"] = bare

            def speed(attend: Attend, inputs: list[Tensor] = inputs, n: int = n) -> float:
                return pace(lambda: torch.autograd.grad(attend(*inputs).sum(), inputs), n, seconds=0.3, rounds=3)

            for peer, theirs in peers.items():
                found.append(Row(what, peer, speed(ours), speed(theirs), "tokens/s"))
                found.append(Row(what, peer, kept(ours, inputs) / 2**20, kept(theirs, inputs) / 2**20, "MB kept"))
    return found
