"""Five ways to wire attention into a translator, those of the encyclopedia's table of variants.

Who is compared with whom (dot product), what learned maps come between (QKV), whether the decoder has a say at all
(encoder-only), and a scorer that compares nothing (the scorer of PyTorch's translation tutorial). Two of the five are
`LuongTranslator` with one score or another: dot attention, which learns no weight of its own, is the baseline of them all.

Axes: B sentence pairs, S source tokens, T target tokens, N rows that a step answers at once, D width of a word's embedding,
H hidden width.
"""

import torch
from torch import Tensor, nn

from utils.attention.core import Attention
from utils.attention.luong import LuongTranslator, State, first
from utils.attention.scores import DotAttention, LocationAttention, QKVAttention
from utils.attention.translator import AttentionTranslator
from utils.decoding import greedy
from utils.rnn import keep_mask
from utils.seq2seq import Translator, read_packed

WIRINGS = (
    "encoder-decoder dot product",
    "encoder-decoder QKV",
    "encoder-only dot product",
    "encoder-only QKV",
    "PyTorch tutorial",
)


def wiring(
    name: str,
    source_vocabulary: int,
    target_vocabulary: int,
    embedding_size: int,
    hidden_size: int,
    *,
    start: int,
    end: int,
    longest: int,
    generator: torch.Generator,
) -> Translator:
    """The translator of that name in `WIRINGS`; the tutorial's reads up to `longest` source tokens and draws in training."""
    sizes, ends = (source_vocabulary, target_vocabulary, embedding_size, hidden_size), {"start": start, "end": end}
    match name:
        case "encoder-decoder dot product":
            return LuongTranslator(*sizes, DotAttention(), **ends)
        case "encoder-decoder QKV":
            return LuongTranslator(*sizes, QKVAttention(hidden_size, hidden_size, hidden_size), **ends)
        case "encoder-only dot product":
            return EncoderOnlyTranslator(*sizes, DotAttention(), **ends)
        case "encoder-only QKV":
            return EncoderOnlyTranslator(*sizes, QKVAttention(embedding_size, embedding_size, embedding_size), **ends)
        case "PyTorch tutorial":
            return TutorialTranslator(*sizes, longest=longest, generator=generator, **ends)
    raise ValueError(f"there is no wiring {name!r}; known are {', '.join(WIRINGS)}")


class EncoderOnlyTranslator(LuongTranslator):
    """The source looks at itself: W = softmax of x_i . x_j, or of their QKV scores, and c_t is row t of W X.

    X (S, D) are the embedded words. The decoder is Luong's and has no say in where it looks: which row it gets is told by the
    number of the step. Beyond the end of the source that is its last row, a choice of ours, as is the encoder's GRU, kept so
    that s_0 knows the sentence as in the other wirings.
    """

    def __init__(
        self,
        source_vocabulary: int,
        target_vocabulary: int,
        embedding_size: int,
        hidden_size: int,
        attention: Attention,
        *,
        start: int,
        end: int,
    ) -> None:
        sizes = (source_vocabulary, target_vocabulary, embedding_size, hidden_size)
        super().__init__(*sizes, attention, start=start, end=end)
        self.combine = nn.Linear(embedding_size + hidden_size, hidden_size, bias=False)

    def encode(self, source: Tensor, lengths: Tensor) -> State:
        """The state's annotations are W X (B, S, D), its keys W (B, S, S)."""
        X, seen = self.source_words(source), keep_mask(lengths.to(source.device), source.shape[1])
        _, last = read_packed(self.encoder, X, lengths)  # (B, 2, H / 2)
        return first(last.flatten(1), *self.attention(X, X, X, seen[:, None]), seen)

    def _look(self, s: Tensor, state: State) -> tuple[Tensor, Tensor]:
        steps = state.step[:, None] + torch.arange(s.shape[1], device=s.device)  # (N, T)
        row = steps.minimum(state.seen.sum(1, keepdim=True) - 1)[..., None]  # (N, T, 1)
        return state.annotations.take_along_dim(row, 1), state.keys.take_along_dim(row, 1)  # (N, T, D), (N, T, S)


class TutorialTranslator(AttentionTranslator):
    """Scores for each place, read off [s_{t-1}, y_{t-1}] alone, and trained on its own words half of the time.

    In training mode each sentence is read by the decoder as it should be with probability `forcing`, and otherwise as the
    model itself translates it, the likeliest word at each step; the loss compares with the right words either way. No gradient
    passes a choice of words, so the model's own are chosen first and then read like any others.

    PyTorch's tutorial of 2017 draws so for each sentence, and there ends with the model's own end. It leaves padding unmasked,
    has a linear layer and a ReLU between [y_{t-1}, c_t] and the GRU, and reads out s_t alone. Bengio et al. (2015) draw for
    each word.
    """

    def __init__(
        self,
        source_vocabulary: int,
        target_vocabulary: int,
        embedding_size: int,
        hidden_size: int,
        *,
        start: int,
        end: int,
        longest: int,
        generator: torch.Generator,
        forcing: float = 0.5,
    ) -> None:
        if not 0 <= forcing <= 1:
            raise ValueError(f"forcing is {forcing}; expected a probability")
        sizes = (source_vocabulary, target_vocabulary, embedding_size, hidden_size)
        attention = LocationAttention(hidden_size + embedding_size, longest)
        super().__init__(*sizes, attention, start=start, end=end, word_in_query=True)
        self.forcing = forcing
        self.generator = generator

    def forward(self, source: Tensor, source_lengths: Tensor, target: Tensor) -> Tensor:
        if self.training:
            target = self._partly_own(source, source_lengths, target)
        return super().forward(source, source_lengths, target)

    def _partly_own(self, source: Tensor, source_lengths: Tensor, target: Tensor) -> Tensor:
        """target (B, T) with the sentences that are not forced replaced by the model's own: (B, T)."""
        own = torch.rand(len(source), generator=self.generator, device=self.generator.device) >= self.forcing  # (B,)
        if not own.any():
            return target
        with torch.no_grad():
            begun = self.begin(source[own.to(source.device)], source_lengths[own.to(source_lengths.device)])
        target = target.clone()
        target[own.to(target.device)] = greedy(self.step, *begun, target.shape[1]).sequences
        return target
