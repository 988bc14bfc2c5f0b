"""Intra-attention: an LSTM that keeps all its states, and reads them by attention instead of the last one (Cheng et al. 2016).

It adds to `utils.rnn.LSTM` two tapes, of hidden states and of cells. Left out: stacks of layers, and their encoder-decoder,
which reads the tape of another sentence as well.

Axes: B sequences in the batch, T steps to read, P steps on the tape before them, D input width, H hidden width, A width of the
attention's hidden layer, V vocabulary.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils import training
from utils.attention.additive import AdditiveAttention
from utils.attention.core import Attention, attend
from utils.batches import Padded, bucketed
from utils.rnn import LSTM, keep_mask
from utils.shapes import expect, expect_lengths, expect_tokens


class State(NamedTuple):
    """What has been read; the first axis of each tensor is B."""

    tapes: Tensor  # (B, P, 2H): h_i and c_i of every step, side by side
    keys: Tensor  # (B, P, ...): the h_i as the attention compares them
    real: Tensor  # (B, P) bool: false where a step was padding
    read: Tensor  # (B, H): what the last step read from the first tape, the h~ that the next one asks with


class Newest(Attention):
    """An attention that has no choice: all the weight on the newest state. With it an LSTMN is an ordinary LSTM."""

    def score(self, query: Tensor, projected: Tensor) -> Tensor:
        K = projected.shape[1]
        age = torch.arange(1 - K, 1, device=query.device).clamp(min=-600)  # float16 holds 60,000
        return (100 * age).to(query.dtype).expand(len(query), 1, K)


class LSTMN(nn.Module):
    """Long short-term memory-network, Cheng, Dong and Lapata (2016, equations 4 to 9).

    a_i = v . tanh(h_i W_h + x_t W_x + h~_{t-1} W_h~), s = softmax over i < t, h~_t = sum s_i h_i, c~_t = sum s_i c_i; then the
    gates and the step of an LSTM from x_t, with h~_t and c~_t where h_{t-1} and c_{t-1} stand. The first step reads zeros.

    `attention` scores the query [x_t, h~_{t-1}] (D + H wide) against the keys h_i: theirs is `additive`.
    """

    def __init__(self, input_size: int, hidden_size: int, attention: Attention) -> None:
        super().__init__()
        self.cell = LSTM(input_size, hidden_size)
        self.attention = attention

    @classmethod
    def additive(cls, input_size: int, hidden_size: int, attention_size: int) -> "LSTMN":
        """With the scores of the paper."""
        return cls(input_size, hidden_size, AdditiveAttention(input_size + hidden_size, hidden_size, attention_size))

    def initial_state(self, batch: int) -> State:
        """Nothing on the tapes."""
        zeros, H = self.cell.W_hh.new_zeros, self.cell.hidden_size
        return State(
            zeros(batch, 0, 2 * H), self.attention.project(zeros(batch, 0, H)), zeros(batch, 0).bool(), zeros(batch, H)
        )

    def step(self, x: Tensor, from_input: Tensor, real: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """One step: x (B, D), from_input (B, 4H) = x W_xh + b_x, real (B,) bool -> h (B, H), weights (B, 1, P), next state."""
        query = torch.cat([x, state.read], -1)[:, None]
        seen = state.real & real[:, None]
        context, weights = attend(self.attention.score(query, state.keys), state.tapes, seen[:, None])
        read, cell = context[:, 0].chunk(2, -1)
        h, c = self.cell.step(from_input, (read, cell))
        after = State(
            torch.cat([state.tapes, torch.cat([h, c], -1)[:, None]], 1),
            torch.cat([state.keys, self.attention.project(h[:, None])], 1),
            torch.cat([state.real, real[:, None]], 1),
            torch.where(real[:, None], read, state.read),
        )
        return h * real[:, None], weights, after

    def forward(self, x: Tensor, state: State | None = None, lengths: Tensor | None = None) -> tuple[Tensor, Tensor, State]:
        """Read x (B, T, D) -> outputs (B, T, H), weights (B, T, P + T), and the state after it.

        weights[:, t, i] is what step t read of step i: 0 unless i came before t. `state` is one that this layer returned, None
        starts anew with P = 0. `lengths` (B,) says how many steps of each sequence are real; past them all is 0, and what
        follows will not see them.
        """
        expect("x", x, ("B", "T", self.cell.input_size), self.cell.W_xh.dtype)
        B, T, _ = x.shape
        state = self.initial_state(B) if state is None else state
        expect("state.read", state.read, (B, self.cell.hidden_size), x.dtype)
        if lengths is None:
            lengths = torch.full((B,), T)
        expect_lengths("lengths", lengths, B, T)
        keep, end = keep_mask(lengths.to(x.device), T), state.real.shape[1] + T
        x = x.masked_fill(~keep[..., None], 0)  # so that no padding, however large, can overflow into a gradient
        outputs, weights = [], []
        for x_t, from_x_t, real in zip(x.unbind(1), (x @ self.cell.W_xh + self.cell.b_x).unbind(1), keep.unbind(1)):
            h, looked, state = self.step(x_t, from_x_t, real, state)
            outputs.append(h)
            weights.append(F.pad(looked, (0, end - looked.shape[2])))
        return torch.stack(outputs, 1), torch.cat(weights, 1), state


class IntraLanguageModel(nn.Module):
    """p(next token | the tokens so far): an embedding (V, D), an LSTMN, and a linear readout to V logits."""

    def __init__(self, vocabulary: int, layer: LSTMN) -> None:
        super().__init__()
        self.layer = layer
        self.embedding = nn.Embedding(vocabulary, layer.cell.input_size)
        self.readout = nn.Linear(layer.cell.hidden_size, vocabulary)

    def forward(self, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """tokens (B, T), lengths (B,) -> logits (B, T, V) of what follows each token, and where it looked (B, T, T)."""
        expect_tokens("tokens", tokens, ("B", "T"), self.embedding.num_embeddings)
        outputs, weights, _ = self.layer(self.embedding(tokens), lengths=lengths)
        return self.readout(outputs), weights

    def loss(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """The cross-entropy in nats per token, the first of each sentence given: a scalar. No sentence has one token only."""
        expect_lengths("lengths - 1", lengths - 1, len(tokens), tokens.shape[1] - 1)
        logits, _ = self(tokens[:, :-1], lengths - 1)
        real = keep_mask(lengths.to(tokens.device) - 1, tokens.shape[1] - 1)
        return F.cross_entropy(logits[real], tokens[:, 1:][real])


def fit(model: IntraLanguageModel, sentences: Padded, steps: int, seed: int, rate: float = 5e-3) -> training.History:
    """Adam with warm-up and cosine on batches of 64 of the sentences, each of which begins with the token that starts them."""
    batches = bucketed(sentences, size=64, generator=torch.Generator().manual_seed(seed))
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    return training.train(model.loss, batches, optimizer, steps=steps, clip=1.0, schedule=training.warmup_cosine)
