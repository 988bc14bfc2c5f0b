"""Sentences of different lengths as padded batches of about equally long ones.

Nothing here knows what a token means. Left out: cutting what is too long, and loading from disk while a model trains.

Axes: N sentences, B of them in a batch, T tokens of the longest.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from utils.shapes import expect, expect_lengths

Padded = tuple[Tensor, Tensor]  # tokens (N, T) int64, lengths (N,) int64


def pad(sentences: Sequence[Sequence[int]], padding: int) -> Padded:
    """Lists of ids -> tokens (N, T), each row filled up with the id `padding`, and lengths (N,): how many of a row are real.

    >>> pad([[5, 6, 7], [8]], padding=0)
    (tensor([[5, 6, 7],
            [8, 0, 0]]), tensor([3, 1]))
    """
    if not sentences:
        raise ValueError("sentences is empty; expected at least one")
    if padding < 0:
        raise ValueError(f"padding is {padding}; expected an id from 0, since a model looks it up like any other")
    for i, sentence in enumerate(sentences):
        if len(sentence) == 0:
            raise ValueError(f"sentences[{i}] is empty; expected at least one token")
    rows = [torch.as_tensor(sentence, dtype=torch.int64) for sentence in sentences]
    return pad_sequence(rows, batch_first=True, padding_value=padding), torch.tensor([len(row) for row in rows])


def take(sides: Sequence[Padded], index: Tensor) -> tuple[Tensor, ...]:
    """The sentences index (B,) of each side, no wider than the longest of them: tokens and lengths of each side in turn."""
    batch = []
    for tokens, lengths in sides:
        chosen = lengths[index]
        batch += [tokens[index, : int(chosen.max())], chosen]
    return tuple(batch)


def bucketed(*sides: Padded, size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, ...]]:
    """Batches for ever, epoch after epoch: `size` sentences whose lengths are close, so that little of a batch is padding.

    A side is what `pad` gives: one for a language model, a source and a target for a translator, sentence n of the one
    belonging to sentence n of the other. A batch holds the tokens and lengths of each side in turn. In each epoch every
    sentence comes once: they are shuffled, sorted by length (the last side's first, then the one before; chance decides
    between equals), cut, and the batches shuffled. The last batch cut, with the longest, may be smaller.
    """
    if not sides:
        raise ValueError("sides is empty; expected at least one pair of tokens and lengths")
    if size < 1:
        raise ValueError(f"size is {size}; expected at least 1 sentence")
    for i, (tokens, lengths) in enumerate(sides):
        expect(f"sides[{i}] tokens", tokens, (len(sides[0][0]), "T"), torch.int64)
        expect_lengths(f"sides[{i}] lengths", lengths, *tokens.shape)
    return _epochs(sides, size, generator)


def _epochs(sides: Sequence[Padded], size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, ...]]:
    while True:
        order = torch.randperm(len(sides[0][0]), generator=generator)
        for _, lengths in sides:  # stable sorts: each key outweighs those before it
            order = order[lengths[order].sort(stable=True).indices]
        buckets = order.split(size)
        for bucket in torch.randperm(len(buckets), generator=generator):
            yield take(sides, buckets[bucket])
