"""From text to batches of token ids and back. Knows nothing of models."""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from utils.shapes import expect


class Vocabulary:
    """A two-way table between tokens (characters or words) and ids 0 .. V - 1, in the order given.

    >>> v = Vocabulary("helo")
    >>> v.encode("hello").tolist(), "".join(v.decode([1, 2]))
    ([0, 1, 2, 2, 3], 'el')
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        self.tokens = list(tokens)
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        if not self.tokens:
            raise ValueError("tokens is empty; expected at least one token")
        if len(self.ids) < len(self.tokens):
            repeated = next(t for i, t in enumerate(self.tokens) if self.ids[t] != i)
            raise ValueError(f"tokens holds {repeated!r} more than once; expected distinct tokens")

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self.ids

    def encode(self, tokens: Iterable[str]) -> Tensor:
        """Tokens -> int64 ids (T,). A string is its characters. ValueError names the first unknown token and its place."""
        ids = []
        for place, token in enumerate(tokens):
            if token not in self.ids:
                raise ValueError(f"tokens has {token!r} at place {place}, which is not in this vocabulary of {len(self)}")
            ids.append(self.ids[token])
        return torch.tensor(ids, dtype=torch.int64)

    def decode(self, ids: Tensor | Sequence[int]) -> list[str]:
        """Ids -> tokens. ValueError names the first id out of range and its place."""
        ids = [int(i) for i in ids]
        for place, i in enumerate(ids):
            if not 0 <= i < len(self):
                raise ValueError(f"ids has {i} at place {place}; expected 0 to {len(self) - 1}")
        return [self.tokens[i] for i in ids]


def characters(text: str) -> Vocabulary:
    """The vocabulary of the characters that occur in `text`, sorted."""
    return Vocabulary(sorted(set(text)))


def stream(ids: Tensor, batch: int, time: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Cut one long sequence ids (N,) into inputs and targets (batch, time), the target of each token being the next one.

    The sequence is laid out as `batch` parallel streams, and row b of one pair continues where row b of the pair before
    stopped, so a model may carry its state from pair to pair. The last pair may be shorter than `time`; nothing is read twice.
    """
    expect("ids", ids, ("N",), torch.int64)
    if batch < 1 or time < 1:
        raise ValueError(f"batch is {batch} and time is {time}; expected at least 1 of each")
    length = (len(ids) - 1) // batch  # steps in each stream
    if length < 1:
        raise ValueError(f"ids holds {len(ids)} tokens; expected at least batch + 1 = {batch + 1}")
    inputs = ids[: batch * length].view(batch, length)
    targets = ids[1 : batch * length + 1].view(batch, length)
    return ((inputs[:, start : start + time], targets[:, start : start + time]) for start in range(0, length, time))


def pad(sequences: Sequence[Tensor], value: int = 0) -> tuple[Tensor, Tensor]:
    """Stack sequences (T_b,) of different lengths into (B, max T_b), filled with `value`, and return their lengths (B,)."""
    if not sequences:
        raise ValueError("sequences is empty; expected at least one sequence")
    lengths = torch.tensor([len(s) for s in sequences])
    return torch.nn.utils.rnn.pad_sequence(list(sequences), batch_first=True, padding_value=value), lengths
