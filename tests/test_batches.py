"""Padding says what is real; buckets lose nothing, keep pairs together, waste little, and follow the generator."""

import re
from itertools import islice

import pytest
import torch

from utils.batches import bucketed, pad, take


def drawn(n=50, seed=0):
    """Pairs of sentences of 1 to 9 tokens; the first token of both is the number of the pair."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 10, (2, n), generator=generator).tolist()
    return [[[i] + [100] * (length - 1) for i, length in enumerate(side)] for side in lengths]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_pad_by_hand():
    tokens, lengths = pad([[5, 6, 7], [8], [9, 5]], padding=3)
    assert tokens.tolist() == [[5, 6, 7], [8, 3, 3], [9, 5, 3]]
    assert lengths.tolist() == [3, 1, 2]
    assert tokens.dtype == lengths.dtype == torch.int64


def test_take_is_no_wider_than_its_longest():
    tokens, lengths, other, other_lengths = take(
        [pad([[5, 6, 7], [8], [9, 5]], 0), pad([[1], [2], [3, 4]], 0)], torch.tensor([2, 1])
    )
    assert tokens.tolist() == [[9, 5], [8, 0]]
    assert lengths.tolist() == [2, 1]
    assert other.tolist() == [[3, 4], [2, 0]]
    assert other_lengths.tolist() == [2, 1]


def test_every_epoch_has_every_pair_once_and_keeps_it_together():
    source, target = drawn()
    batches = bucketed(pad(source, 0), pad(target, 0), size=8, generator=generator())
    for _ in range(2):  # epochs of 7 batches, the smallest with 2 pairs
        epoch = list(islice(batches, 7))
        assert sorted(len(batch[0]) for batch in epoch) == [2, 8, 8, 8, 8, 8, 8]
        for tokens, lengths, other, other_lengths in epoch:
            assert tokens.shape[1] == lengths.max() and other.shape[1] == other_lengths.max()
            for row, length, other_row, other_length in zip(tokens, lengths, other, other_lengths):
                assert row[:length].tolist() == source[row[0]]
                assert other_row[:other_length].tolist() == target[row[0]]
        assert sorted(i for batch in epoch for i in batch[0][:, 0].tolist()) == list(range(50))


def test_among_equally_long_sentences_chance_decides_who_shares_a_batch():
    batches = bucketed(pad([[i] for i in range(50)], 0), size=8, generator=generator())
    first, second = ({frozenset(tokens[:, 0].tolist()) for tokens, _ in islice(batches, 7)} for _ in range(2))
    assert first != second and frozenset(range(8)) not in first


def test_buckets_hold_sentences_of_like_length():
    source, target = drawn(400)
    batches = list(islice(bucketed(pad(source, 0), pad(target, 0), size=8, generator=generator()), 50))
    wasted = [1 - float(lengths.float().mean() / lengths.max()) for _, _, _, lengths in batches]
    assert sum(wasted) / 50 < 0.02  # 0.4 without buckets
    wasted = [1 - float(lengths.float().mean() / lengths.max()) for _, lengths, _, _ in batches]
    assert sum(wasted) / 50 < 0.2  # the second key, and here one that knows nothing of the first
    longest = [int(lengths.max()) for _, _, _, lengths in batches]
    assert longest != sorted(longest)  # the batches themselves come in any order


def test_the_generator_decides_and_nothing_else():
    side = pad(drawn()[0], 0)
    first, again, other = (
        [batch[0].tolist() for batch in islice(bucketed(side, size=8, generator=generator(seed)), 10)] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    before = side[0].clone()
    torch.manual_seed(0)
    state = torch.get_rng_state()
    next(bucketed(side, size=8, generator=generator()))[0].zero_()
    assert torch.equal(side[0], before)
    assert torch.equal(torch.get_rng_state(), state)


side = pad([[1, 2], [3]], 0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pad([], 0), ValueError, "sentences is empty"),
        (lambda: pad([[1], []], 0), ValueError, "sentences[1] is empty; expected at least one token"),
        (lambda: pad([[1]], -1), ValueError, "padding is -1; expected an id from 0"),
        (lambda: bucketed(size=2, generator=generator()), ValueError, "sides is empty"),
        (lambda: bucketed(side, size=0, generator=generator()), ValueError, "size is 0; expected at least 1"),
        (
            lambda: bucketed(side, pad([[1]], 0), size=2, generator=generator()),
            ValueError,
            "sides[1] tokens has shape (1, 1); expected (2, T)",
        ),
        (
            lambda: bucketed((side[0], side[1] + 1), size=2, generator=generator()),
            ValueError,
            "sides[0] lengths runs from 2 to 3; expected 1 to 2",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()
