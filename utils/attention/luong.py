"""The translator of Luong, Pham and Manning (2015): the decoder reads a word first, and then looks at the source.

Bahdanau et al. (2015) ask with s_{t-1}, before the word y_{t-1} is read, and the answer enters the next state. Here the query
is s_t, which has read y_{t-1}, and the answer enters the word alone: unless it is fed back, no state waits for an attention.
So the decoder is an ordinary GRU over all words at once, and all its queries are answered in one product. Left out: their
stacks of four one-way LSTMs (ours is one GRU, in both directions in the encoder), dropout, and the source read backwards.

Axes: B sentence pairs, S source tokens, T target tokens, N rows that a step answers at once, D width of a word's embedding,
H hidden width, V target vocabulary.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from utils.attention.core import Attention, attend
from utils.rnn import keep_mask
from utils.seq2seq import Translator, read_packed


class State(NamedTuple):
    """What the decoder carries: its state, and what it may look at. The first axis of each tensor is N."""

    s: Tensor  # (N, H)
    attentional: Tensor  # (N, H): h~ of the last step, zeros before the first
    step: Tensor  # (N,) int64: how many words have been read
    annotations: Tensor  # (N, S, H)
    keys: Tensor  # (N, S, ...): the annotations as the attention compares them
    seen: Tensor  # (N, S) bool: false where a source is padding
    weights: Tensor  # (N, S): where the last step looked


def first(s: Tensor, annotations: Tensor, keys: Tensor, seen: Tensor) -> State:
    """The state before the first word."""
    step = torch.zeros(len(s), dtype=torch.int64, device=s.device)
    return State(s, torch.zeros_like(s), step, annotations, keys, seen, torch.zeros_like(seen, dtype=s.dtype))


class LuongTranslator(Translator):
    """s_t = GRU(s_{t-1}, y_{t-1}); c_t = sum_j alpha_tj h_j; h~_t = tanh([c_t, s_t] W_c); p(y_t | ...) = softmax(h~_t W_s).

    Their equations 5 and 6, where s_t is h_t. alpha_t is what `attention` makes of the query s_t and the keys h_j. Annotations
    are as wide as states, hidden_size // 2 from each direction, so that the two can be multiplied; s_0 is the last state of
    each direction, side by side. With input_feeding=True the decoder reads [y_{t-1}, h~_{t-1}] (their section 3.3): it then
    knows where it has looked, and must go step by step.
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
        input_feeding: bool = False,
    ) -> None:
        super().__init__(source_vocabulary, target_vocabulary, embedding_size, start=start, end=end)
        if hidden_size < 2 or hidden_size % 2:
            raise ValueError(f"hidden_size is {hidden_size}; expected an even number: each direction gives half an annotation")
        self.encoder = nn.GRU(embedding_size, hidden_size // 2, batch_first=True, bidirectional=True)
        self.attention = attention
        self.input_feeding = input_feeding
        self.decoder = nn.GRU(embedding_size + hidden_size * input_feeding, hidden_size, batch_first=True)
        self.combine = nn.Linear(2 * hidden_size, hidden_size, bias=False)  # W_c
        self.readout = nn.Linear(hidden_size, target_vocabulary, bias=False)  # W_s

    def encode(self, source: Tensor, lengths: Tensor) -> State:
        annotations, last = read_packed(self.encoder, self.source_words(source), lengths)  # (B, S, H), (B, 2, H / 2)
        seen = keep_mask(lengths.to(source.device), source.shape[1])
        return first(last.flatten(1), annotations, self.attention.project(annotations), seen)

    def _look(self, s: Tensor, state: State) -> tuple[Tensor, Tensor]:
        """Contexts (N, T, H) and weights (N, T, S) of the states s (N, T, H) that follow `state`."""
        return attend(self.attention.score(s, state.keys), state.annotations, state.seen[:, None])

    def _read(self, words: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Read embedded words (N, T, D) at once -> h~ (N, T, H), weights (N, T, S) and the state after the last word."""
        s, last = self.decoder(words, state.s[None])
        context, weights = self._look(s, state)
        attentional = torch.tanh(self.combine(torch.cat([context, s], -1)))
        after = state._replace(
            s=last[0], attentional=attentional[:, -1], step=state.step + words.shape[1], weights=weights[:, -1]
        )
        return attentional, weights, after

    def _unroll(self, tokens: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """`_read` for tokens (N, T); where h~ is fed back, a word at a time."""
        words = self.target_words(tokens)  # (N, T, D)
        if not self.input_feeding:
            return self._read(words, state)
        parts = []
        for word in words.unbind(1):
            *part, state = self._read(torch.cat([word, state.attentional], -1)[:, None], state)
            parts.append(part)
        attentional, weights = (torch.cat(part, 1) for part in zip(*parts))
        return attentional, weights, state

    def decode(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        attentional, _, state = self._unroll(tokens, state)
        return self.readout(attentional), state

    def looks(self, tokens: Tensor, state: State) -> Tensor:
        return self._unroll(tokens, state)[1]
