"""The transformer of Vaswani et al. (2017): encoder and decoder from attention alone, and the block that both are stacks of.

The block is chapter 11's attention, a network for each place, and around each of them a sum and a normalisation. What it has
looked at once it need not compute again: keys and values go in and come out. Left out: dropout on the attention weights.

Axes: B sequences, T tokens, S tokens of a source, K tokens that may be seen, D their width, V target vocabulary.
"""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils.attention.multihead import KeysValues, MultiHeadAttention, causal_mask
from utils.attention.positions import RotaryAttention, sinusoidal
from utils.rnn import keep_mask
from utils.seq2seq import Translator

Activation = Callable[[Tensor], Tensor]


class FeedForward(nn.Module):
    """The same small network at every place: activation(x W_1 + b_1) W_2 + b_2, their equation 2."""

    def __init__(self, size: int, hidden: int, activation: Activation = F.relu) -> None:
        super().__init__()
        self.widen, self.narrow = nn.Linear(size, hidden), nn.Linear(hidden, size)
        self.activation = activation
        for linear in (self.widen, self.narrow):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """x (..., D) -> (..., D)."""
        return self.narrow(self.activation(self.widen(x)))


class Weights(NamedTuple):
    """Where one block looked."""

    own: Tensor  # (B, heads, T, K): in its own sequence
    source: Tensor | None  # (B, heads, T, S): in the source, if the block has cross-attention


class Block(nn.Module):
    """One layer: each place reads its own sequence, then the source if there is one, then thinks by itself.

    Each of these is a function f with a residual connection: norm(x + f(x)) as in the paper, or with norm_first=True
    x + f(norm(x)) (Xiong et al. 2020), whose sum no normalisation interrupts. Dropout falls on f (their section 5.4).
    `between` may stand for the network of each place.
    """

    def __init__(
        self,
        size: int,
        heads: int,
        hidden: int,
        *,
        cross: bool = False,
        norm_first: bool = True,
        dropout: float = 0.0,
        activation: Activation = F.relu,
        rotary: bool = False,
        between: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.attention = (RotaryAttention if rotary else MultiHeadAttention)(size, heads)
        self.cross = MultiHeadAttention(size, heads) if cross else None
        self.between = FeedForward(size, hidden, activation) if between is None else between
        self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in range(2 + cross))
        self.norm_first = norm_first
        self.dropout = nn.Dropout(dropout)

    @classmethod
    def from_torch(cls, layer: nn.TransformerEncoderLayer | nn.TransformerDecoderLayer) -> Self:
        """The same function as a layer of torch.nn, with copies of its weights; its dropout must be 0."""
        cross = isinstance(layer, nn.TransformerDecoderLayer)
        hidden, size = layer.linear1.weight.shape
        ours = cls(size, layer.self_attn.num_heads, hidden, cross=cross, norm_first=layer.norm_first)
        ours.attention = MultiHeadAttention.from_torch(layer.self_attn)
        if cross:
            ours.cross = MultiHeadAttention.from_torch(layer.multihead_attn)
        ours.between.activation = layer.activation
        theirs = [layer.linear1, layer.linear2, layer.norm1, layer.norm2, *([layer.norm3] if cross else [])]
        ours.to(layer.linear1.weight)
        for mine, part in zip((ours.between.widen, ours.between.narrow, *ours.norms), theirs):
            mine.load_state_dict(part.state_dict())
        for mine, part in zip(ours.norms, theirs[2:]):
            mine.eps = part.eps
        return ours

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        past: KeysValues | None = None,
        source: KeysValues | None = None,
        source_mask: Tensor | None = None,
    ) -> tuple[Tensor, KeysValues, Weights]:
        """x (B, T, D) -> the same places one layer on (B, T, D), the keys and values of all places so far, and the weights.

        `past` holds keys and values of the places before x, as an earlier call gave them. mask broadcasts to (B, T, K), K the
        places of past and x. `source` is what `self.cross.offer` makes of the source; source_mask broadcasts to (B, T, S).
        """
        if (source is None) != (self.cross is None):
            got = "None" if source is None else "given"
            raise ValueError(f"source is {got}; expected one just if the block has cross-attention")
        h, first = self.prepare(0, x), 0 if past is None else past.keys.shape[2]
        kept = self.attention.offer(h, h, first)
        if past is not None:
            kept = KeysValues(*(torch.cat(both, 2) for both in zip(past, kept)))
        read, own = self.attention.read(self.attention.ask(h, first), kept, mask)
        x, looked = self.add(0, x, read), None
        if self.cross is not None:
            read, looked = self.cross.read(self.cross.ask(self.prepare(1, x)), source, source_mask)
            x = self.add(1, x, read)
        x = self.add(-1, x, self.between(self.prepare(-1, x)))
        return x, kept, Weights(own, looked)

    def prepare(self, i: int, x: Tensor) -> Tensor:
        """What the i-th function of the block reads."""
        return self.norms[i](x) if self.norm_first else x

    def add(self, i: int, x: Tensor, new: Tensor) -> Tensor:
        """What goes on after the i-th function has made `new` of x."""
        x = x + self.dropout(new)
        return x if self.norm_first else self.norms[i](x)


class Stack(nn.Module):
    """Blocks one after another, and a last normalisation `norm`: after blocks that normalise first it is needed."""

    def __init__(self, blocks: Iterable[Block], norm: nn.Module | None = None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.norm = norm

    @classmethod
    def from_torch(cls, stack: nn.TransformerEncoder | nn.TransformerDecoder) -> Self:
        """The same function as the encoder or the decoder of a torch.nn.Transformer, with copies of its weights."""
        norm = None
        if stack.norm is not None:
            norm = nn.LayerNorm(stack.norm.normalized_shape, eps=stack.norm.eps).to(stack.norm.weight)
            norm.load_state_dict(stack.norm.state_dict())
        return cls([Block.from_torch(layer) for layer in stack.layers], norm)

    def offer(self, source: Tensor) -> tuple[KeysValues, ...]:
        """The source (B, S, D) as the cross-attention of each block is shown it."""
        return tuple(block.cross.offer(source, source) for block in self.blocks)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        past: tuple[KeysValues, ...] | None = None,
        source: tuple[KeysValues, ...] | None = None,
        source_mask: Tensor | None = None,
    ) -> tuple[Tensor, tuple[KeysValues, ...], tuple[Weights, ...]]:
        """As in a block, which sees its own item of `past` and of `source`."""
        kept, weights, nothing = [], [], [None] * len(self.blocks)
        for block, before, shown in zip(self.blocks, past or nothing, source or nothing):
            x, *new = block(x, mask, before, shown, source_mask)
            for collected, one in zip((kept, weights), new):
                collected.append(one)
        return x if self.norm is None else self.norm(x), tuple(kept), tuple(weights)


class State(NamedTuple):
    """What the decoder carries from token to token; the first axis of each tensor is B."""

    source: tuple[KeysValues, ...]  # the encoded source, as each block looks at it
    seen: Tensor  # (B, S) bool: false where a source is padding
    past: tuple[KeysValues, ...]  # of the target tokens read so far, for each block
    weights: Tensor  # (B, S): where the last token looked, the mean over heads and blocks


class Transformer(Translator):
    """The encoder-decoder: tokens times sqrt(D) plus sinusoids, two stacks of blocks, and the target's embedding as readout.

    Vaswani et al. share one matrix among source, target and readout; here the source has a vocabulary, and a matrix, of its
    own. `loss` smooths its labels by `smoothing`, their section 5.4; `log_probability` never does.
    """

    def __init__(
        self,
        source_vocabulary: int,
        target_vocabulary: int,
        size: int,
        *,
        start: int,
        end: int,
        heads: int,
        layers: int,
        hidden: int,
        norm_first: bool = True,
        dropout: float = 0.0,
        smoothing: float = 0.0,
    ) -> None:
        super().__init__(source_vocabulary, target_vocabulary, size, start=start, end=end)
        for table in (self.source_words, self.target_words):
            nn.init.normal_(table.weight, std=size**-0.5)
        kind = {"norm_first": norm_first, "dropout": dropout}
        self.encoder, self.decoder = (
            Stack(
                [Block(size, heads, hidden, cross=cross, **kind) for _ in range(layers)],
                nn.LayerNorm(size) if norm_first else None,
            )
            for cross in (False, True)
        )
        self.readout = nn.Linear(size, target_vocabulary)
        self.readout.weight = self.target_words.weight
        self.dropout = nn.Dropout(dropout)
        self.smoothing = smoothing

    def embed(self, table: nn.Embedding, tokens: Tensor, first: int = 0) -> Tensor:
        """tokens (B, T), the first of them at the place `first` -> (B, T, D)."""
        D, T = table.embedding_dim, tokens.shape[1]
        x = table(tokens) * math.sqrt(D)
        return self.dropout(x + sinusoidal(first + T, D)[first:].to(x))

    def encode(self, source: Tensor, lengths: Tensor) -> State:
        seen = keep_mask(lengths.to(source.device), source.shape[1])
        x, _, _ = self.encoder(self.embed(self.source_words, source), seen[:, None])
        shown = self.decoder.offer(x)
        nothing = tuple(KeysValues(*(part[:, :, :0] for part in one)) for one in shown)
        return State(shown, seen, nothing, torch.zeros_like(seen, dtype=x.dtype))

    def read(self, tokens: Tensor, state: State) -> tuple[Tensor, tuple[KeysValues, ...], tuple[Weights, ...]]:
        """What the decoder makes of tokens (B, T) from `state` on: (B, T, D), keys and values so far, and weights, by block."""
        first, T = state.past[0].keys.shape[2], tokens.shape[1]
        mask = causal_mask(T, first + T).to(tokens.device)
        return self.decoder(self.embed(self.target_words, tokens, first), mask, state.past, state.source, state.seen[:, None])

    def decode(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        x, past, weights = self.read(tokens, state)
        return self.readout(x), state._replace(past=past, weights=_mean(weights)[:, -1])

    def looks(self, tokens: Tensor, state: State) -> Tensor:
        """The mean over heads and blocks."""
        return _mean(self.read(tokens, state)[2])

    def loss(self, source: Tensor, source_lengths: Tensor, target: Tensor, target_lengths: Tensor) -> Tensor:
        """The cross-entropy in nats per real target token, its labels smoothed: a scalar to minimise."""
        return self._nats(source, source_lengths, target, target_lengths, self.smoothing).sum() / target_lengths.sum()


def _mean(weights: tuple[Weights, ...]) -> Tensor:
    """Cross-attention weights (B, T, S), the mean over blocks and heads."""
    return torch.stack([one.source for one in weights]).mean((0, 2))
