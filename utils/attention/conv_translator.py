"""The convolutional translator of Gehring et al. (2017): no recurrence, and attention in every layer of the decoder.

It adds the attention to `utils.conv_seq2seq`, and the factors that keep the variance of a deep stack level. Left out: dropout,
weight normalisation, the first weights of their convolutions, and the smaller gradients for the encoder.

Axes: B sentence pairs, S source tokens, T target tokens, H width of every layer, k width of a convolution, V target vocabulary.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from utils.attention.core import attend
from utils.conv_seq2seq import ConvolutionalTranslator, GatedConvolution

HALF = 0.5**0.5  # what a sum of two independent terms of equal variance is multiplied with, to have that variance too


class State(NamedTuple):
    """What the decoder carries from token to token, and what it may look at; the first axis of each tensor is B."""

    keys: Tensor  # (B, S, H): z, the encoder's outputs
    values: Tensor  # (B, S, H): (z + e) sqrt(.5), with e the embeddings that the encoder read
    seen: Tensor  # (B, S) bool: false where a source is padding
    time: Tensor  # (B,) int64: the tokens read so far
    before: tuple[Tensor, ...]  # for each layer its last k - 1 inputs (B, k - 1, H), so that none is computed again
    weights: Tensor  # (B, S): where the last token looked, the mean over the layers


class AttentiveConvolution(nn.Module):
    """One layer of the decoder: a causal gated convolution, then a look at the source (Gehring et al. 2017, eqs. 1 and 2).

    With x (B, T, H) the layer's input and g the embeddings of the target tokens read: h = (x + convolution(x)) sqrt(.5),
    d = h W + b + g, a_ij = softmax over j of d_i . z_j, c_i = sum_j a_ij (z_j + e_j) sqrt(.5), and out comes
    (h + c sqrt(m)) sqrt(.5).
    If the m weights are equal, the mean has an m-th of the variance: sqrt(m), their m sqrt(1 / m) for a sum, undoes it.
    """

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.gated = GatedConvolution(width, kernel)
        self.query = nn.Linear(width, width)

    def forward(self, x: Tensor, before: Tensor, g: Tensor, state: State) -> tuple[Tensor, Tensor, Tensor]:
        """-> outputs (B, T, H), the last k - 1 inputs (B, k - 1, H), weights (B, T, S)."""
        new, last = self.gated.causal(x, before)
        h = (x + new) * HALF
        d = self.query(h) + g
        context, weights = attend(d @ state.keys.mT, state.values, state.seen[:, None])
        m = state.seen.sum(1).to(x.dtype)[:, None, None]
        return (h + context * m.sqrt()) * HALF, last, weights


class ConvolutionalAttentionTranslator(ConvolutionalTranslator):
    """Stacks of gated convolutions on both sides, and in each layer of the decoder an attention of its own."""

    def __init__(
        self,
        source_vocabulary: int,
        target_vocabulary: int,
        width: int,
        *,
        start: int,
        end: int,
        layers: int,
        kernel: int,
        longest: int,
    ) -> None:
        sizes = {"layers": layers, "kernel": kernel, "longest": longest}
        super().__init__(source_vocabulary, target_vocabulary, width, start=start, end=end, **sizes)
        self.decoder = nn.ModuleList(AttentiveConvolution(width, kernel) for _ in range(layers))
        for table in (self.source_words, self.target_words, self.source_places, self.target_places):
            nn.init.normal_(table.weight, std=0.1)  # small, or the first softmax sees one word only

    def encode(self, source: Tensor, lengths: Tensor) -> State:
        e, real = self.embed_source(source, lengths)
        z = e
        for layer in self.encoder:
            z = (z + layer.centred(z, real)) * HALF
        seen = real.squeeze(-1)
        nowhere = z.new_zeros(seen.shape)
        return State(z, (z + e) * HALF, seen, source.new_zeros(len(source)), self.nothing_before(z), nowhere)

    def decode(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        x, state, _ = self._unroll(tokens, state)
        return self.readout(x), state

    def _unroll(self, tokens: Tensor, state: State) -> tuple[Tensor, State, Tensor]:
        """Read tokens (B, T) -> what the last layer gives (B, T, H), the state after them, weights (B, T, S)."""
        g = self.embed_target(tokens, state.time)
        x, before, weights = g, [], []
        for layer, past in zip(self.decoder, state.before):
            x, last, looked = layer(x, past, g, state)
            before.append(last)
            weights.append(looked)
        mean = torch.stack(weights).mean(0)
        after = state._replace(time=state.time + tokens.shape[1], before=tuple(before), weights=mean[:, -1])
        return x, after, mean

    def looks(self, tokens: Tensor, state: State) -> Tensor:
        """The mean over the layers."""
        return self._unroll(tokens, state)[2]
