"""Encoder and decoder: a network reads a source sentence into one vector, another writes the target sentence from it.

`Translator` is what all such models share, with attention or without: teacher forcing, its loss, and a step to search with.
Two follow here, with one summary vector. Left out: stacks with dropout, and the maxout layer of Cho et al. before the readout.

Axes: B sentence pairs, S source tokens, T target tokens, N rows that a step answers at once, D width of a word's embedding,
H hidden width, V target vocabulary. A token is an id and nothing else: words, pieces of words and characters are all one here.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from utils.decoding import from_logits, map_tensors
from utils.rnn import keep_mask
from utils.shapes import expect_lengths, expect_tokens


class Translator(nn.Module):
    """p(target | source), one target token after another: a subclass says how it encodes and how it decodes.

    The protocol. Every target sentence ends in the token `end`, which is predicted like any other: so the model says itself
    when to stop. The decoder reads `start`, then the target without its last token, and predicts the target. Padding is told
    by lengths, never by an id, and reaches neither a state nor the loss.
    """

    def __init__(self, source_vocabulary: int, target_vocabulary: int, embedding_size: int, *, start: int, end: int) -> None:
        super().__init__()
        for name, token in (("start", start), ("end", end)):
            if not 0 <= token < target_vocabulary:
                raise ValueError(f"{name} is {token}; expected a target token from 0 to {target_vocabulary - 1}")
        self.start, self.end = start, end
        self.source_words = nn.Embedding(source_vocabulary, embedding_size)
        self.target_words = nn.Embedding(target_vocabulary, embedding_size)

    def encode(self, source: Tensor, lengths: Tensor) -> Any:
        """source (B, S), lengths (B,) -> the decoder's first state: a nest of tensors whose first axis is B."""
        raise NotImplementedError

    def decode(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Read tokens (B, T) from `state` on -> logits (B, T, V) of what follows each one, and the state after the last."""
        raise NotImplementedError

    def looks(self, tokens: Tensor, state: Any) -> Tensor:
        """Where each of tokens (B, T), read from `state` on, looked in the source: weights (B, T, S). With attention only."""
        raise NotImplementedError

    def begin(self, source: Tensor, lengths: Tensor) -> tuple[Any, Tensor]:
        """Where a search starts: the first state, and `start` for each sentence (B,)."""
        expect_tokens("source", source, ("B", "S"), self.source_words.num_embeddings)
        expect_lengths("source_lengths", lengths, *source.shape)
        return self.encode(source, lengths), source.new_full((len(source),), self.start)

    def step(self, state: Any, tokens: Tensor) -> tuple[Tensor, Any]:
        """Log probabilities (N, V) of the tokens that follow tokens (N,): a step for every search in `utils.decoding`.

        greedy(model.step, *model.begin(source, lengths), length, model.end), and beam_search alike.
        """
        return from_logits(self._next_logits)(state, tokens)

    def _next_logits(self, state: Any, tokens: Tensor) -> tuple[Tensor, Any]:
        logits, state = self.decode(tokens[:, None], state)
        return logits[:, 0], state

    def forward(self, source: Tensor, source_lengths: Tensor, target: Tensor) -> Tensor:
        """Teacher forcing: logits (B, T, V) of each token of target (B, T), given the true ones before it."""
        state, start = self.begin(source, source_lengths)
        expect_tokens("target", target, (len(source), "T"), self.target_words.num_embeddings)
        return self.decode(shift(target, start), state)[0]

    def alignments(self, source: Tensor, source_lengths: Tensor, target: Tensor, target_lengths: Tensor) -> Tensor:
        """Where each target token looked, under teacher forcing: weights (B, T, S); rows past a target's end are 0."""
        state, start = self.begin(source, source_lengths)
        real = keep_mask(target_lengths.to(target.device), target.shape[1])
        return self.looks(shift(target, start), state) * real[..., None]

    def log_probability(self, source: Tensor, source_lengths: Tensor, target: Tensor, target_lengths: Tensor) -> Tensor:
        """log p(target | source) of each pair in nats, its `end` included: (B,)."""
        return -self._nats(source, source_lengths, target, target_lengths).sum(1)

    def loss(self, source: Tensor, source_lengths: Tensor, target: Tensor, target_lengths: Tensor) -> Tensor:
        """The cross-entropy in nats per real target token: a scalar to minimise."""
        return self._nats(source, source_lengths, target, target_lengths).sum() / target_lengths.sum()

    def _nats(
        self, source: Tensor, source_lengths: Tensor, target: Tensor, target_lengths: Tensor, smoothing: float = 0.0
    ) -> Tensor:
        """The cross-entropy of each target token, 0 where it is padding: (B, T)."""
        logits = self(source, source_lengths, target)
        expect_lengths("target_lengths", target_lengths, *target.shape)
        last = target.gather(1, target_lengths.to(target.device)[:, None] - 1)
        if (last != self.end).any():
            raise ValueError(f"target has a sentence whose last token is not end = {self.end}; expected it in all of them")
        nats = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none", label_smoothing=smoothing)
        real = keep_mask(target_lengths.to(target.device), target.shape[1])
        return nats.view_as(target).masked_fill(~real, 0)


def shift(target: Tensor, start: Tensor) -> Tensor:
    """What the decoder reads while it predicts target (B, T): start (B,), then the target without its last token."""
    return torch.cat([start[:, None], target[:, :-1]], 1)


def reverse(tokens: Tensor, lengths: Tensor) -> Tensor:
    """The real tokens of each row in reverse; the padding stays where it was: (B, T) -> (B, T).

    >>> reverse(torch.tensor([[1, 2, 3, 0], [4, 5, 0, 0]]), torch.tensor([3, 2]))
    tensor([[3, 2, 1, 0],
            [5, 4, 0, 0]])
    """
    places = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
    mirrored = lengths.to(tokens.device)[:, None] - 1 - places  # below 0 in the padding
    return tokens.gather(1, torch.where(mirrored >= 0, mirrored, places))


def swap(state: Any) -> Any:
    """The state of a torch.nn layer with its first two axes exchanged: (layers, B, H) there, (B, layers, H) here."""
    return map_tensors(lambda part: part.transpose(0, 1).contiguous(), state)


def read_packed(layer: nn.RNNBase, x: Tensor, lengths: Tensor) -> tuple[Tensor, Any]:
    """Run a torch.nn layer over the real steps of x (B, T, D) -> outputs (B, T, H), 0 past the lengths, and the last state.

    Packing is what keeps the padding out: the state is that of each sentence's own last step, and a backward direction
    starts there. It is returned with B first.
    """
    packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
    outputs, state = layer(packed)
    outputs, _ = pad_packed_sequence(outputs, batch_first=True, total_length=x.shape[1])
    return outputs, swap(state)


def parameters_by_part(model: nn.Module) -> dict[str, int]:
    """The number of parameters in each named part of a model."""
    return {name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()}


class FirstState(Translator):
    """The summary is the decoder's first state and nothing more: z_0 = h, z_t = RNN(z_{t-1}, y_{t-1}), p(y_t | z_t).

    With kind=nn.LSTM, some layers and reverse=True it is the model of Sutskever et al. (2014): they used four layers and fed
    the source backwards, so that its first words stand close to the first words of the target.
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
        kind: type[nn.RNNBase] = nn.GRU,
        layers: int = 1,
        reverse: bool = False,
    ) -> None:
        super().__init__(source_vocabulary, target_vocabulary, embedding_size, start=start, end=end)
        self.reverse = reverse
        self.encoder = kind(embedding_size, hidden_size, layers, batch_first=True)
        self.decoder = kind(embedding_size, hidden_size, layers, batch_first=True)
        self.readout = nn.Linear(hidden_size, target_vocabulary)

    def encode(self, source: Tensor, lengths: Tensor) -> Any:
        if self.reverse:
            source = reverse(source, lengths)
        return read_packed(self.encoder, self.source_words(source), lengths)[1]  # (B, layers, H), for an LSTM two of them

    def decode(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        outputs, state = self.decoder(self.target_words(tokens), swap(state))
        return self.readout(outputs), swap(state)


class EveryStep(Translator):
    """The summary h enters at every step, and beside it the token before (Cho et al. 2014, eqs. 4 and 5).

    z_0 = tanh(h W + b), z_t = GRU(z_{t-1}, [y_{t-1}, h]), p(y_t | z_t, y_{t-1}, h) = softmax of a linear readout of the three.
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
    ) -> None:
        super().__init__(source_vocabulary, target_vocabulary, embedding_size, start=start, end=end)
        self.encoder = nn.GRU(embedding_size, hidden_size, batch_first=True)
        self.first_state = nn.Linear(hidden_size, hidden_size)
        self.decoder = nn.GRU(embedding_size + hidden_size, hidden_size, batch_first=True)
        self.readout = nn.Linear(hidden_size + embedding_size + hidden_size, target_vocabulary)

    def encode(self, source: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        h = read_packed(self.encoder, self.source_words(source), lengths)[1][:, 0]  # (B, H)
        return torch.tanh(self.first_state(h)), h

    def decode(self, tokens: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        z, h = state  # (B, H) each
        y = self.target_words(tokens)  # (B, T, D)
        h_at_each = h[:, None].expand(-1, y.shape[1], -1)  # (B, T, H)
        outputs, last = self.decoder(torch.cat([y, h_at_each], -1), z[None])
        return self.readout(torch.cat([outputs, y, h_at_each], -1)), (last[0], h)
