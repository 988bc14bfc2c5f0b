"""A convolutional encoder-decoder with one summary vector: Gehring et al. (2017) without their attention.

All positions of a layer are computed at once, the decoder's too while it is taught. Left out: the attention in every decoder
layer, dropout, and weight normalisation.

Axes: B sentence pairs, S source tokens, T target tokens, H width of every layer, k width of a convolution, V target vocabulary.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils.rnn import keep_mask
from utils.seq2seq import Translator


class State(NamedTuple):
    """What the decoder carries from token to token; the first axis of each tensor is B."""

    summary: Tensor  # (B, H)
    time: Tensor  # (B,) int64: the tokens read so far
    before: tuple[Tensor, ...]  # for each layer its last k - 1 inputs (B, k - 1, H), so that none is computed again


class GatedConvolution(nn.Module):
    """A convolution whose H outputs are each multiplied by a gate: a * sigmoid(b) (Dauphin et al. 2017).

    Nothing is padded: x (B, T + k - 1, H) -> (B, T, H). Who calls it decides what stands before and after.
    """

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(width, 2 * width, kernel)

    def forward(self, x: Tensor) -> Tensor:
        return F.glu(self.convolution(x.mT).mT, -1)  # a convolution of torch.nn wants time last


class ConvolutionalTranslator(Translator):
    """Stacks of gated convolutions on both sides; each layer's output is added to its input.

    Encoder: layers of odd width k, centred. The summary is the mean over the real positions, what an attention with equal
    weights would read. Decoder: layers that look back only, each with the summary added. Both add to a word's embedding one of
    its position, of which there are `longest`: a sentence may not be longer, `end` included.
    """

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
        super().__init__(source_vocabulary, target_vocabulary, width, start=start, end=end)
        if kernel < 3 or kernel % 2 == 0:
            raise ValueError(f"kernel is {kernel}; expected an odd width from 3, so that it has a middle")
        self.kernel, self.longest = kernel, longest
        self.source_places = nn.Embedding(longest, width)
        self.target_places = nn.Embedding(longest, width)
        self.encoder = nn.ModuleList(GatedConvolution(width, kernel) for _ in range(layers))
        self.decoder = nn.ModuleList(GatedConvolution(width, kernel) for _ in range(layers))
        self.readout = nn.Linear(width, target_vocabulary)

    def encode(self, source: Tensor, lengths: Tensor) -> State:
        self._expect_known("source", int(lengths.max()))
        B, S = source.shape
        real = keep_mask(lengths.to(source.device), S)[..., None]  # (B, S, 1)
        places = torch.arange(S, device=source.device).clamp(max=self.longest - 1)  # beyond it there is padding only
        x = self.source_words(source) + self.source_places(places)  # (B, S, H)
        half = self.kernel // 2
        for layer in self.encoder:
            x = x + layer(F.pad(x * real, (0, 0, half, half)))  # zeros before, after, and in the padding: (B, S + k - 1, H)
        summary = (x * real).sum(1) / real.sum(1)  # (B, H)
        before = x.new_zeros(B, self.kernel - 1, x.shape[2])
        return State(summary, source.new_zeros(B), (before,) * len(self.decoder))

    def decode(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        places = state.time[:, None] + torch.arange(tokens.shape[1], device=tokens.device)  # (B, T)
        self._expect_known("target", int(places.max()) + 1)
        x, before = self.target_words(tokens) + self.target_places(places), []  # (B, T, H)
        for layer, past in zip(self.decoder, state.before):
            seen = torch.cat([past, x], 1)  # (B, k - 1 + T, H)
            before.append(seen[:, 1 - self.kernel :])
            x = x + layer(seen) + state.summary[:, None]
        return self.readout(x), State(state.summary, state.time + tokens.shape[1], tuple(before))

    def _expect_known(self, name: str, length: int) -> None:
        if length > self.longest:
            raise ValueError(f"{name} has a sentence of {length} tokens; expected at most longest = {self.longest}")
