"""The translator of Bahdanau, Cho and Bengio (2015): before each word that it writes, the decoder looks at the whole source.

Without attention the same decoder reads one fixed context, for comparison. Left out: the gated unit as they wrote it (ours is
`utils.rnn.GRU`, torch.nn's form), their orthogonal first weights, and dropout, which they did not use either.

Axes: B sentence pairs, S source tokens, T target tokens, N rows that a step answers at once, D width of a word's embedding,
H hidden width, A width of an annotation, V target vocabulary.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from utils.attention.core import Attention, attend
from utils.rnn import GRU, keep_mask
from utils.seq2seq import Translator, read_packed


class State(NamedTuple):
    """What the decoder carries: its state, and what it may look at. The first axis of each tensor is N."""

    s: Tensor  # (N, H)
    annotations: Tensor  # (N, S, A)
    keys: Tensor  # (N, S, ...): the annotations as the attention compares them
    values: Tensor  # (N, S, 3H): the annotations as the gates of the decoder receive them
    seen: Tensor  # (N, S) bool: false where a source is padding
    weights: Tensor  # (N, S): where the last step looked


class AttentionTranslator(Translator):
    """Annotations h_j from a GRU in both directions; c_i = sum_j alpha_ij h_j; s_i = GRU(s_{i-1}, [y_{i-1}, c_i]).

    alpha_i is what `attention` makes of the query s_{i-1} and the keys h_j; None makes it the model without attention, whose
    context is the last state of each direction at every step. The first state is tanh(h W + b), h the backward direction's
    state at the first source word (their A.2.2). p(y_i | y_{i-1}, s_i, c_i) is a linear readout of the larger of each two
    units of a linear layer of the three: their maxout, with s_i as in their equation 4 (the appendix has s_{i-1}). Without
    the backward direction, bidirectional=False, an annotation knows the words up to its own, and h is the forward state.
    The query s_{i-1} does not know the word y_{i-1} that was chosen from it; with word_in_query=True it is [s_{i-1}, y_{i-1}].
    """

    def __init__(
        self,
        source_vocabulary: int,
        target_vocabulary: int,
        embedding_size: int,
        hidden_size: int,
        attention: Attention | None,
        *,
        start: int,
        end: int,
        bidirectional: bool = True,
        word_in_query: bool = False,
    ) -> None:
        super().__init__(source_vocabulary, target_vocabulary, embedding_size, start=start, end=end)
        width = hidden_size * (1 + bidirectional)  # A
        self.encoder = nn.GRU(embedding_size, hidden_size, batch_first=True, bidirectional=bidirectional)
        self.first_state = nn.Linear(hidden_size, hidden_size)
        self.attention = attention
        self.word_in_query = word_in_query
        self.decoder = GRU(embedding_size + width, hidden_size)
        self.deep_output = nn.Linear(hidden_size + embedding_size + width, 2 * hidden_size)
        self.readout = nn.Linear(hidden_size, target_vocabulary)

    def encode(self, source: Tensor, lengths: Tensor) -> State:
        annotations, last = read_packed(self.encoder, self.source_words(source), lengths)  # (B, S, A), (B, directions, H)
        seen = keep_mask(lengths.to(source.device), source.shape[1])
        if self.attention is None:  # the last state of each direction is all there is to see
            annotations, seen = last.flatten(1)[:, None], seen[:, :1]  # (B, 1, A), (B, 1): its first word is always real
        keys = annotations if self.attention is None else self.attention.project(annotations)
        _, from_context = self._input_weights()
        s = torch.tanh(self.first_state(last[:, -1]))
        return State(s, annotations, keys, annotations @ from_context, seen, seen.new_zeros(seen.shape, dtype=s.dtype))

    def _input_weights(self) -> tuple[Tensor, Tensor]:
        """The two blocks of the decoder's input weights: for a word (D, 3H), and for a context (A, 3H)."""
        D = self.target_words.embedding_dim
        return self.decoder.W_xh[:D], self.decoder.W_xh[D:]

    def _look(self, s: Tensor, word: Tensor, state: State) -> tuple[Tensor, Tensor]:
        """The context that s (N, H) after word (N, D) asks for, as the gates receive it (N, 3H), and its weights (N, 1, S)."""
        if self.attention is None:
            return state.values[:, 0], torch.ones_like(state.values[:, :, :1])
        query = torch.cat([s, word], -1) if self.word_in_query else s
        context, weights = attend(self.attention.score(query[:, None], state.keys), state.values, state.seen[:, None])
        return context.squeeze(1), weights

    def _unroll(self, words: Tensor, state: State) -> tuple[Tensor, Tensor]:
        """Read words (N, T, D) -> the decoder's states (N, T, H) and the weights (N, T, S).

        The loop holds only what must wait for the state before. A context enters the gates by way of a matrix, and the matrix
        of an average is the average of the matrix products: so the annotations pass through it once, in `encode`.
        """
        from_word, _ = self._input_weights()
        s, states, weights = state.s, [], []
        for word, from_y in zip(words.unbind(1), (words @ from_word + self.decoder.b_x).unbind(1)):  # (N, D), (N, 3H) each
            from_context, weight = self._look(s, word, state)
            (s,) = self.decoder.step(from_y + from_context, (s,))
            states.append(s)
            weights.append(weight)
        return torch.stack(states, 1), torch.cat(weights, 1)

    def decode(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        words = self.target_words(tokens)  # (N, T, D)
        states, weights = self._unroll(words, state)
        contexts = weights @ state.annotations  # (N, T, A)
        pairs = self.deep_output(torch.cat([states, words, contexts], -1)).unflatten(-1, (-1, 2))  # (N, T, H, 2)
        return self.readout(pairs.amax(-1)), state._replace(s=states[:, -1], weights=weights[:, -1])

    def looks(self, tokens: Tensor, state: State) -> Tensor:
        return self._unroll(self.target_words(tokens), state)[1]
