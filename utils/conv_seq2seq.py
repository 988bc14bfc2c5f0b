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

    def centred(self, x: Tensor, real: Tensor) -> Tensor:
        """See k // 2 places on either side: x (B, T, H), real (B, T, 1) -> (B, T, H). Beyond a sentence's ends stand zeros."""
        half = self.convolution.kernel_size[0] // 2
        return self(F.pad(x * real, (0, 0, half, half)))

    def causal(self, x: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """See the k - 1 inputs before each: x (B, T, H), those before it (B, k - 1, H) -> (B, T, H), the last k - 1 inputs."""
        seen = torch.cat([before, x], 1)
        return self(seen), seen[:, x.shape[1] :]


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
        x, real = self.embed_source(source, lengths)
        for layer in self.encoder:
            x = x + layer.centred(x, real)
        summary = (x * real).sum(1) / real.sum(1)  # (B, H)
        return State(summary, source.new_zeros(len(source)), self.nothing_before(x))

    def decode(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        x, before = self.embed_target(tokens, state.time), []
        for layer, past in zip(self.decoder, state.before):
            new, last = layer.causal(x, past)
            x = x + new + state.summary[:, None]
            before.append(last)
        return self.readout(x), State(state.summary, state.time + tokens.shape[1], tuple(before))

    def embed_source(self, source: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Words and their places: source (B, S), lengths (B,) -> (B, S, H), and which are real (B, S, 1)."""
        self._expect_known("source", int(lengths.max()))
        S = source.shape[1]
        places = torch.arange(S, device=source.device).clamp(max=self.longest - 1)  # beyond it there is padding only
        return self.source_words(source) + self.source_places(places), keep_mask(lengths.to(source.device), S)[..., None]

    def embed_target(self, tokens: Tensor, time: Tensor) -> Tensor:
        """Words and their places, the first of which is time (B,): tokens (B, T) -> (B, T, H)."""
        places = time[:, None] + torch.arange(tokens.shape[1], device=tokens.device)  # (B, T)
        self._expect_known("target", int(places.max()) + 1)
        return self.target_words(tokens) + self.target_places(places)

    def nothing_before(self, x: Tensor) -> tuple[Tensor, ...]:
        """What the decoder's layers have read before the first token: k - 1 zeros each, (B, k - 1, H)."""
        return (x.new_zeros(len(x), self.kernel - 1, x.shape[2]),) * len(self.decoder)

    def _expect_known(self, name: str, length: int) -> None:
        if length > self.longest:
            raise ValueError(f"{name} has a sentence of {length} tokens; expected at most longest = {self.longest}")
