"""A sparsely gated mixture of experts: many networks side by side, of which each token passes through a few.

It stands where a transformer's block has its network for each place. The number of experts sets how much the layer can store,
the number chosen what a token costs. Left out: noise on the logits (Shazeer et al. 2017), a capacity beyond which experts drop
tokens (Lepikhin et al. 2021), and experts on several devices.

Axes: N tokens, D their width, E experts, k of them chosen.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from utils.transformer import Activation, FeedForward


def choose(logits: Tensor, chosen: int) -> tuple[Tensor, Tensor]:
    """The `chosen` experts with the highest logits, best first, and their weights: a softmax over the logits of these alone.

    logits (..., E) -> experts (..., k) int64, weights (..., k). Shazeer et al. (2017), equations 3 and 5, without noise; Jiang
    et al. (2024), section 2.1. Of equal experts the one with the lower number goes first.
    """
    if logits.ndim < 1 or not 1 <= chosen <= logits.shape[-1]:
        raise ValueError(f"chosen is {chosen} and logits has shape {tuple(logits.shape)}; expected (..., E), 1 <= chosen <= E")
    ranked, experts = logits.sort(dim=-1, descending=True, stable=True)  # topk leaves open which of equal ones it takes
    return experts[..., :chosen], ranked[..., :chosen].softmax(-1)


def load(logits: Tensor, chosen: int) -> Tensor:
    """How the choices fall on the experts: logits (..., E) -> shares (E,) that add up to 1; all are 0 if there is no token."""
    experts, _ = choose(logits, chosen)
    dtype = torch.promote_types(logits.dtype, torch.float32)  # float16 cannot count
    return experts.flatten().bincount(minlength=logits.shape[-1]).to(dtype) / max(experts.numel(), 1)


def balance_loss(logits: Tensor, chosen: int) -> Tensor:
    """E sum_i f_i P_i, Fedus et al. (2022), equations 4 to 6 without their factor: 1 where the load is even, E / k at worst.

    logits (..., E) -> a scalar, float32 at least; 0 without a token. f is the `load`, P_i the mean over the tokens of
    softmax(logits)_i. Counts have no gradient: it flows through P alone, and lowers the logits of those with the most load.
    """
    shares = load(logits, chosen)
    probabilities = logits.reshape(-1, logits.shape[-1]).softmax(-1, dtype=shares.dtype)  # (N, E)
    mean = probabilities.sum(0) / max(len(probabilities), 1)
    return logits.shape[-1] * (shares * mean).sum()


class MixtureOfExperts(nn.Module):
    """The sum over the chosen i of w_i FeedForward_i(x), w being the softmax of their logits x W_r: it keeps the shape of x.

    It can stand wherever a FeedForward(size, hidden) does. Every token gets through. It costs k (2 D hidden + D)
    multiplications for the experts and D E for the router, one linear map without a bias.

    A single chosen expert weighs 1, so that the output gives the router no gradient, which then learns from the balance loss
    alone. (Fedus et al. weigh it by its probability among all.) For that loss see `routing`.
    """

    def __init__(self, size: int, hidden: int, experts: int, *, chosen: int = 2, activation: Activation = F.relu) -> None:
        super().__init__()
        if not 1 <= chosen <= experts:
            raise ValueError(f"chosen is {chosen} and experts is {experts}; expected 1 <= chosen <= experts")
        self.size, self.chosen = size, chosen
        self.router = nn.Linear(size, experts, bias=False)
        self.experts = nn.ModuleList(FeedForward(size, hidden, activation) for _ in range(experts))

    def forward(self, x: Tensor) -> Tensor:
        """x (..., D) -> (..., D)."""
        if x.ndim < 1 or x.shape[-1] != self.size:
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (..., {self.size})")
        experts, weights = choose(self.router(x), self.chosen)  # (..., k) each
        order = experts.flatten().argsort(stable=True)  # (N k,): the choices, those of expert 0 first
        counts = experts.flatten().bincount(minlength=len(self.experts)).tolist()
        parts = x.reshape(-1, self.size)[order // self.chosen].split(counts)  # E of (count, D)
        answers = torch.cat([expert(part) for expert, part in zip(self.experts, parts)])  # (N k, D)
        answers = answers[order.argsort()].reshape(*experts.shape, self.size)  # (..., k, D): back to who asked
        return (weights[..., None, :] @ answers).squeeze(-2)


@contextmanager
def routing(model: nn.Module) -> Iterator[list[tuple[Tensor, int]]]:
    """What the routers in `model` say while the block of `with` runs: (logits, chosen) for each call of a mixture, in order.

    The modules keep nothing, so nothing can be out of date. An entry is what `load` and `balance_loss` take; logits has the
    shape of the mixture's x but for the last axis, E, so that logits[real] leaves padding out.

        with routing(model) as routed:
            loss = model.loss(tokens, targets)
        loss = loss + 0.01 * sum(balance_loss(*call) for call in routed)
    """
    routed: list[tuple[Tensor, int]] = []

    def listen(mixture: MixtureOfExperts) -> RemovableHandle:
        return mixture.router.register_forward_hook(lambda router, x, logits: routed.append((logits, mixture.chosen)))

    handles = [listen(module) for module in model.modules() if isinstance(module, MixtureOfExperts)]
    try:
        yield routed
    finally:
        for handle in handles:
            handle.remove()
