"""Hard attention: one place is drawn from the weights and its value read alone (Xu et al. 2015, section 4.1).

A choice has no derivative. What is learnt from it is learnt by its consequences: Williams's (1992) REINFORCE makes a choice
more probable by as much as it paid more than expected. Left out: two of Xu et al.'s aids, the entropy of the weights as a
second reward, and reading softly half of the time.

Axes: B in the batch, Q queries, K keys with a value each.
"""

from typing import Any

import torch
from torch import Tensor, nn

from utils.attention.translator import AttentionTranslator, State
from utils.rnn import keep_mask


def choose(weights: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Draw one place a query from weights (B, Q, K) -> choice (B, Q, K), 1 there and else 0, and its log probability (B, Q).

    choice @ values reads the place, as weights @ values reads them all. Without a generator it is the likeliest place, for the
    test. Where all weights are 0, so is the choice, and its log probability. The latter has a gradient, the choice has none.
    """
    score = weights.detach()
    if generator is not None:  # the first to arrive of K independent events with rates w is k with probability w_k
        dtype = torch.promote_types(score.dtype, torch.float32)
        waiting = torch.empty(score.shape, dtype=dtype, device=generator.device).exponential_(generator=generator)
        score = score / waiting.to(score.device)
    choice = torch.zeros_like(weights).scatter(-1, score.argmax(-1, keepdim=True), 1) * (weights > 0)
    chosen = (choice * weights).sum(-1)
    return choice, chosen.masked_fill(chosen == 0, 1).log()


def surrogate(reward: Tensor, log_probability: Tensor, baseline: Tensor | float) -> Tensor:
    """The reward, with the gradient that REINFORCE estimates: d reward + (reward - baseline) d log_probability.

    Over the choices that log_probability is of, its expectation is the gradient of the expected reward, whatever the baseline,
    if only the baseline does not depend on the choice. All shapes broadcast; the value is the reward's own.
    """
    return reward + (reward - baseline).detach() * (log_probability - log_probability.detach())


class MovingAverage(nn.Module):
    """b <- decay b + (1 - decay) r, from 0 on: the baseline of Xu et al. (2015, section 4.1), r a batch's mean reward."""

    def __init__(self, decay: float = 0.9) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise ValueError(f"decay is {decay}; expected from 0 to below 1")
        self.decay = decay
        self.register_buffer("value", torch.zeros(()))

    def update(self, reward: Tensor) -> None:
        """Take in rewards of any shape."""
        self.value = self.decay * self.value + (1 - self.decay) * reward.detach().mean()


class HardTranslator(AttentionTranslator):
    """`AttentionTranslator` that reads one annotation a word: drawn in training mode, else the likeliest.

    The reward of the draws is log p(target | source, what was read), one for each sentence. In training mode `log_probability`
    is that of one draw, and `loss` is its negative a token, with the gradient of REINFORCE.
    """

    def __init__(self, *arguments: Any, generator: torch.Generator, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.generator = generator
        self.baseline = MovingAverage()
        self._draws: list[Tensor] | None = None  # while the loss is computed: log probabilities (B, 1), one a step

    def _look(self, s: Tensor, word: Tensor, state: State) -> tuple[Tensor, Tensor]:
        _, weights = super()._look(s, word, state)
        choice, log_probability = choose(weights, self.generator if self.training else None)  # (N, 1, S), (N, 1)
        if self._draws is not None:
            self._draws.append(log_probability)
        return (choice @ state.values).squeeze(1), choice

    def loss(self, source: Tensor, source_lengths: Tensor, target: Tensor, target_lengths: Tensor) -> Tensor:
        if not self.training:
            return super().loss(source, source_lengths, target, target_lengths)
        self._draws = []
        try:
            reward = self.log_probability(source, source_lengths, target, target_lengths)  # (B,)
            drawn = torch.cat(self._draws, 1).masked_fill(~keep_mask(target_lengths.to(target.device), target.shape[1]), 0)
        finally:
            self._draws = None
        loss = -surrogate(reward, drawn.sum(1), self.baseline.value).sum() / target_lengths.sum()
        self.baseline.update(reward)
        return loss
