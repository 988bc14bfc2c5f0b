"""Beam search against exhaustive search and a loop over lists; ties, ends, early stops; sampling against exact frequencies."""

import math
import re
from itertools import product
from typing import NamedTuple

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from benchmarks.decoding import list_beam
from utils.decoding import (
    SHORT,
    beam_search,
    exhaustive,
    from_logits,
    greedy,
    matrix_step,
    ranks,
    read,
    recurrent_step,
    reorder,
    stable_topk,
)
from utils.rnn import GRU, LSTM, RNN, LanguageModel
from utils.sampling import keep_nucleus, keep_top_k, sample, with_temperature

DEVICES = ["cpu"] + ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()
ROWS = [[0.1, 0.2, 0.3, 0.4, 0.5], [0.5, 0.4, 0.3, 0.2, 0.1]] * 5
TOY = torch.tensor(ROWS, dtype=torch.float64).log()
ZERO = torch.zeros(1, dtype=torch.int64)


class History(NamedTuple):
    """The state of `table_step`: a nest of every kind that reorder must take apart."""

    row: Tensor  # (N,) which input
    seen: list[dict[str, Tensor] | None]  # the time (N,) and the history as a number in base V (N,)


def table_step(tables):
    """A model that looks its scores up by everything that came before: tables[t] (B, V**t, V). Its start is `origin`."""

    def step(state, tokens):
        time, code = state.seen[1]["time"], state.seen[1]["code"]
        t = int(time[0])
        V = tables[t].shape[-1]
        code = code * V + tokens if t else code
        return tables[t][state.row, code], History(state.row, [None, {"time": time + 1, "code": code}])

    return step


def origin(batch):
    zeros = torch.zeros(batch, dtype=torch.int64)
    return History(torch.arange(batch), [None, {"time": zeros, "code": zeros}]), zeros


def drawn_tables(B, V, L, seed, coarse):
    """Random tables, normalised; or coarse: scores -2, -1, 0 and -inf, all sums exact and many of them equal."""
    generator = torch.Generator().manual_seed(seed)
    if coarse:
        choices = torch.tensor([-2.0, -1.0, -1.0, 0.0, -torch.inf], dtype=torch.float64)
        return [choices[torch.randint(5, (B, V**t, V), generator=generator)] for t in range(L)]
    return [torch.randn(B, V**t, V, generator=generator, dtype=torch.float64).log_softmax(-1) for t in range(L)]


models = {
    "B": st.integers(1, 3),
    "V": st.integers(2, 4),
    "L": st.integers(1, 5),
    "seed": st.integers(0, 9999),
    "coarse": st.booleans(),
    "ending": st.booleans(),
    "penalty": st.sampled_from([0.0, 0.5, 1.0, 2.0]),  # powers that come out the same to the bit by any route
}


def assert_same(found, expected):
    for got, want in zip(found, expected, strict=True):
        assert torch.equal(got, want)


def possible(found, k):
    """The first k hypotheses, and those of them that are impossible as beam_search gives them: length 0."""
    sequences, lengths, scores = (part[:, :k] for part in found)
    dead = scores.isneginf()
    return sequences.masked_fill(dead[..., None], 0), lengths.masked_fill(dead, 0), scores


# The interface


def test_reorder_gathers_rows_of_every_nest():
    state = History(torch.arange(3), [None, {"time": torch.arange(6).view(3, 2), "code": (torch.eye(3), [])}])
    got = reorder(state, torch.tensor([2, 2, 0, 1]))
    assert isinstance(got, History)
    assert got.row.tolist() == [2, 2, 0, 1]
    assert got.seen[0] is None
    assert got.seen[1]["time"].tolist() == [[4, 5], [4, 5], [0, 1], [2, 3]]
    assert isinstance(got.seen[1]["code"], tuple) and got.seen[1]["code"][1] == []
    assert torch.equal(got.seen[1]["code"][0], torch.eye(3)[[2, 2, 0, 1]])
    assert reorder(None, ZERO) is None


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_from_logits_is_never_above_zero_and_float32_at_least(scale, dtype):
    logits = (torch.randn(500, 7, generator=torch.Generator().manual_seed(0)) * scale).to(dtype)
    scores, state = from_logits(lambda state, tokens: (logits, state))("kept", torch.zeros(500, dtype=torch.int64))
    assert state == "kept"
    assert scores.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert scores.max() <= 0
    torch.testing.assert_close(scores.exp().sum(-1), torch.ones(500, dtype=scores.dtype))
    torch.testing.assert_close(scores, logits.to(scores.dtype).log_softmax(-1))


# The worked example


def test_toy_matrix_to_the_digit():
    found = greedy(matrix_step(TOY), None, ZERO, 10)
    assert found.sequences.tolist() == [[4, 0, 4, 0, 4, 0, 4, 0, 4, 0]]
    assert found.scores.item() == -6.931471805599453
    found = beam_search(matrix_step(TOY), None, ZERO, 10, beams=3)
    assert found.sequences.tolist() == [
        [[4, 0, 4, 0, 4, 0, 4, 0, 4, 0], [4, 0, 4, 0, 4, 0, 4, 0, 4, 1], [4, 0, 4, 0, 4, 0, 4, 0, 3, 0]]
    ]
    assert found.scores.tolist() == [[-6.931471805599453, -7.154615356913663, -7.154615356913663]]
    assert found.lengths.tolist() == [[10, 10, 10]]


def test_toy_matrix_second_place_is_a_tie_of_ten_last_position_first():
    found = beam_search(matrix_step(TOY), None, ZERO, 10, beams=12)
    assert found.scores[0, 1:11].tolist() == [-7.154615356913663] * 10
    assert found.scores[0, 11] < -7.154615356913663
    best = found.sequences[0, 0]
    changed = (found.sequences[0, 1:11] != best).nonzero()[:, 1]
    assert changed.tolist() == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]


def test_toy_matrix_normalised():
    found = beam_search(from_logits(matrix_step(TOY)), None, ZERO, 10, beams=3)
    assert [f"{-score:.3f}" for score in found.scores[0].tolist()] == ["10.986", "11.209", "11.209"]
    assert_same(found[:2], beam_search(matrix_step(TOY), None, ZERO, 10, beams=3)[:2])  # every row sums to 1.5


# The judge is judged: sequences one by one, sorted by one key


@settings(max_examples=60, deadline=None)
@given(**models)
def test_exhaustive_equals_a_loop_over_all_sequences(B, V, L, seed, coarse, ending, penalty):
    L = min(L, 4)
    tables, eos = drawn_tables(B, V, L, seed, coarse), V - 1 if ending else None
    state, start = origin(B)
    found = exhaustive(table_step(tables), state, start, L, eos, penalty)
    for b in range(B):
        entries = {}
        for tokens in product(range(V), repeat=L):
            n = tokens.index(eos) + 1 if eos in tokens else L
            code, sums = 0, [0.0]
            for t in range(n):
                sums.append(sums[-1] + tables[t][b, code, tokens[t]].item())
                code = code * V + tokens[t]
            key = (-sums[-1] / n**penalty, n, [-total for total in reversed(sums)], tokens[:n])
            entries[tokens[:n]] = (key, [*tokens[:n], *[eos] * (L - n)], n, sums[-1])
        expected = sorted(entries.values())
        assert found.sequences[b].tolist() == [sequence for _, sequence, _, _ in expected]
        assert found.lengths[b].tolist() == [n for _, _, n, _ in expected]
        assert found.scores[b].tolist() == [total for *_, total in expected]


# Beam search


@settings(max_examples=150, deadline=None)
@given(**models, extra=st.integers(0, 3))
def test_a_beam_wide_enough_is_exhaustive_search(B, V, L, seed, coarse, ending, penalty, extra):
    tables, eos = drawn_tables(B, V, L, seed, coarse), 0 if ending else None
    state, start = origin(B)
    every = exhaustive(table_step(tables), state, start, L, eos, penalty)
    k = V ** (L - 1) + extra
    found = beam_search(table_step(tables), state, start, L, k, eos, penalty)
    M = min(k, every.scores.shape[1])
    assert_same((part[:, :M] for part in found), possible(every, M))
    assert found.scores[:, M:].isneginf().all() and not found.lengths[:, M:].any()


@settings(max_examples=250, deadline=None)
@given(**models, data=st.data())
def test_any_beam_equals_the_loop_over_lists_that_never_stops_early(B, V, L, seed, coarse, ending, penalty, data):
    k = data.draw(st.integers(1, min(V**L, 30)))
    tables, eos = drawn_tables(B, V, L, seed, coarse), V - 1 if ending else None
    state, start = origin(B)
    found = beam_search(table_step(tables), state, start, L, k, eos, penalty)
    for b in range(B):
        listed = list_beam(table_step(tables), reorder(state, torch.tensor([b])), ZERO, L, k, eos, penalty)
        n = len(listed)
        assert [s[:m] for s, m in zip(found.sequences[b, :n].tolist(), found.lengths[b].tolist())] == [s for s, _ in listed]
        assert found.scores[b].tolist() == [score for _, score in listed] + [-math.inf] * (k - n)
        assert found.lengths[b].tolist() == [len(s) for s, _ in listed] + [0] * (k - n)


@settings(max_examples=60, deadline=None)
@given(**models, k=st.integers(1, 9))
def test_a_batch_is_its_inputs_one_by_one(B, V, L, seed, coarse, ending, penalty, k):
    tables, eos = drawn_tables(B, V, L, seed, coarse), 0 if ending else None
    state, start = origin(B)
    found = beam_search(table_step(tables), state, start, L, k, eos, penalty)
    one_path = greedy(table_step(tables), state, start, L, eos)
    for b in range(B):
        alone = reorder(state, torch.tensor([b]))
        assert_same(beam_search(table_step(tables), alone, ZERO, L, k, eos, penalty), (part[b : b + 1] for part in found))
        assert_same(greedy(table_step(tables), alone, ZERO, L, eos), (part[b : b + 1] for part in one_path))


@settings(max_examples=60, deadline=None)
@given(**models)
def test_a_beam_of_one_without_penalty_is_greedy(B, V, L, seed, coarse, ending, penalty):
    tables, eos = drawn_tables(B, V, L, seed, coarse), 0 if ending else None
    state, start = origin(B)
    followed = greedy(table_step(tables), state, start, L, eos)
    assume(not followed.scores.isneginf().any())  # where greedy runs into a dead end, there is nothing to compare
    assert_same((part[:, 0] for part in beam_search(table_step(tables), state, start, L, 1, eos)), followed)


@settings(max_examples=60, deadline=None)
@given(**models, k=st.integers(1, 9))
def test_what_comes_back_is_padded_ranked_and_scored(B, V, L, seed, coarse, ending, penalty, k):
    tables, eos = drawn_tables(B, V, L, seed, coarse), V - 1 if ending else None
    state, start = origin(B)
    sequences, lengths, scores = found = beam_search(table_step(tables), state, start, L, k, eos, penalty)
    assert sequences.shape == (B, k, L) and lengths.shape == scores.shape == (B, k)
    assert (ranks(found, penalty).diff(dim=1).nan_to_num(0.0) <= 0).all()
    for b, i in product(range(B), range(k)):
        n = lengths[b, i].item()
        assert eos is None or (sequences[b, i, n:] == eos).all()
        assert eos not in sequences[b, i, : max(n - 1, 0)].tolist()
        assert n in (0, L) or sequences[b, i, n - 1] == eos
        code, total = 0, 0.0 if n else -math.inf
        for t, token in enumerate(sequences[b, i, :n].tolist()):
            total, code = total + tables[t][b, code, token].item(), code * V + token
        assert scores[b, i].item() == total
    kept = {(b, tuple(s)) for b in range(B) for s, n in zip(sequences[b].tolist(), lengths[b]) if n}
    assert len(kept) == (lengths > 0).sum()  # nothing twice


# Small models by hand: p(first token), then p(next | tokens so far)


def by_hand(first, second, third=None):
    levels = [[first], second] + ([third] if third else [])
    return table_step([torch.tensor([level], dtype=torch.float64).log() for level in levels])


def test_greedy_is_wrong_where_the_better_start_leads_nowhere():
    step = by_hand([0.6, 0.4], [[0.5, 0.5], [0.1, 0.9]])
    assert greedy(step, *origin(1), 2).sequences.tolist() == [[0, 0]]  # 0.6 * 0.5 = 0.30
    found = beam_search(step, *origin(1), 2, beams=2)
    assert found.sequences.tolist() == [[[1, 1], [0, 0]]]  # 0.4 * 0.9 = 0.36
    assert found.scores.exp().tolist() == [[pytest.approx(0.36), pytest.approx(0.30)]]


def test_a_wider_beam_can_be_worse():
    """Two prefixes at 0.175 push out the one at 0.136, which alone has a certain end."""
    sure, torn = [1.0, 0.0, 0.0], [0.34, 0.33, 0.33]
    step = by_hand([0.4, 0.35, 0.25], [torn, [0.5, 0.5, 0.0], torn], [sure, sure, sure, torn, torn, torn, torn, torn, torn])
    best = [beam_search(step, *origin(1), 3, beams=k).scores[0, 0].exp().item() for k in (1, 2, 3)]
    assert best == [pytest.approx(0.4 * 0.34), pytest.approx(0.35 * 0.5 * 0.34), pytest.approx(0.4 * 0.34)]


def test_finished_hypotheses_are_kept_and_compete():
    """Ends: 0 at once (0.5), or 1 0 (0.4 * 0.3) or 1 1 1 (0.4 * 0.7 * 0.9)."""
    step = by_hand([0.5, 0.5], [[0.5, 0.5], [0.3, 0.7]], [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [0.1, 0.9]])
    found = beam_search(step, *origin(1), 3, beams=3, eos=0)
    assert found.sequences.tolist() == [[[0, 0, 0], [1, 1, 1], [1, 0, 0]]]
    assert found.lengths.tolist() == [[1, 3, 2]]
    assert found.scores.exp().tolist() == [[pytest.approx(0.5), pytest.approx(0.315), pytest.approx(0.15)]]
    found = beam_search(step, *origin(1), 3, beams=3, eos=0, penalty=1.0)  # per token: -0.69, -0.95, -0.39
    assert found.sequences.tolist() == [[[1, 1, 1], [0, 0, 0], [1, 0, 0]]]


def test_an_end_outside_the_best_k_is_not_finished():
    """The end at 0.3 is the best of all sequences; after the first step it is third, which a beam of two does not see."""
    step = by_hand([0.3, 0.36, 0.34], [[0.2, 0.4, 0.4]] * 3)
    assert beam_search(step, *origin(1), 2, beams=2, eos=0).sequences.tolist() == [[[1, 1], [1, 2]]]
    assert beam_search(step, *origin(1), 2, beams=3, eos=0).sequences.tolist() == [[[0, 0], [1, 1], [1, 2]]]
    assert exhaustive(step, *origin(1), 2, eos=0).lengths[0].tolist() == [1, 2, 2, 2, 2, 2, 2]


def test_with_a_penalty_a_beam_of_one_runs_on_past_an_end():
    step = by_hand([0.6, 0.4], [[0.5, 0.5], [0.01, 0.99]])
    assert greedy(step, *origin(1), 2, eos=0).sequences.tolist() == [[0, 0]]
    assert beam_search(step, *origin(1), 2, beams=1, eos=0).sequences.tolist() == [[[0, 0]]]
    assert beam_search(step, *origin(1), 2, beams=1, eos=0, penalty=1.0).sequences.tolist() == [[[1, 1]]]


def test_impossible_places_have_length_zero():
    found = beam_search(by_hand([0.5, 0.5], [[0.5, 0.5]] * 2), *origin(1), 2, beams=5, eos=1)
    assert found.lengths.tolist() == [[1, 2, 2, 0, 0]]  # 1, 0 0, 0 1, and there is no other
    assert found.scores[0, 3:].tolist() == [-math.inf, -math.inf]
    assert found.sequences[0, 3:].tolist() == [[1, 1], [1, 1]]


# Early stopping


def counted(step):
    calls = []

    def counting(state, tokens):
        calls.append(len(tokens))
        return step(state, tokens)

    return counting, calls


@pytest.mark.parametrize(
    ("end", "beams", "length", "penalty", "steps"),
    [
        (0.9, 1, 50, 0.0, 1),  # log 0.9 at once; what runs has log 0.1
        (0.4, 2, 50, 0.0, 3),  # ends at 0.4 and 0.24: 0.36 runs on, 0.216 need not
        (0.9, 1, 21, 1.0, 1),  # -0.105 against -2.303 / 21 = -0.110, what the rest could reach at best
        (0.9, 1, 22, 1.0, 2),  # -2.303 / 22 = -0.1047 could still win; after one more step it cannot
        (0.9, 1, 43, 1.0, 2),  # -4.605 / 43 = -0.1071 cannot
        (0.9, 1, 44, 1.0, 3),  # -4.605 / 44 = -0.1047 can
        (0.5, 1, 50, 0.0, 1),  # a tie: the one that finished first stays
    ],
)
def test_stops_exactly_when_nothing_can_win_any_more(end, beams, length, penalty, steps):
    step, calls = counted(matrix_step(torch.tensor([[end, 1 - end]], dtype=torch.float64).log().repeat(length, 1)))
    found = beam_search(step, None, ZERO, length, beams, eos=0, penalty=penalty)
    assert len(calls) == steps
    assert found.lengths.tolist() == [list(range(1, beams + 1))]


def test_stops_only_when_every_input_is_done():
    sure, torn = torch.tensor([0.9, 0.1]).log(), torch.tensor([0.1, 0.9]).log()
    tables = [torch.stack([sure, torn])[:, None].expand(2, 2**t, 2) for t in range(6)]
    step, calls = counted(table_step(tables))
    found = beam_search(step, *origin(2), 6, beams=1, eos=0)
    assert len(calls) == 6
    assert found.lengths.tolist() == [[1], [6]]


def test_a_penalty_keeps_the_search_going_to_a_late_winner():
    """0 ends at once with 0.5; 1 1 1 1 has 0.5 * 0.9**3 = 0.3645: worse as a sum, better per token."""
    step = matrix_step(torch.tensor([[0.5, 0.5], [0.1, 0.9], [0.1, 0.9], [0.1, 0.9]], dtype=torch.float64).log())
    assert beam_search(step, None, ZERO, 4, beams=1, eos=0).lengths.tolist() == [[1]]
    found = beam_search(step, None, ZERO, 4, beams=1, eos=0, penalty=1.0)
    assert found.sequences.tolist() == [[[1, 1, 1, 1]]]
    assert ranks(found, 1.0).item() == pytest.approx(math.log(0.3645) / 4)


def test_greedy_and_sample_stop_when_all_have_ended():
    matrix = torch.tensor([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1]]).log()
    step, calls = counted(matrix_step(matrix))
    found = greedy(step, None, torch.zeros(2, dtype=torch.int64), 3, eos=1)
    assert calls == [2, 2]
    assert found.sequences.tolist() == [[0, 1, 1], [0, 1, 1]]
    assert found.lengths.tolist() == [2, 2]
    torch.testing.assert_close(found.scores.exp(), torch.tensor([0.81, 0.81]))
    found = sample(matrix_step(matrix), None, torch.zeros(500, dtype=torch.int64), 3, torch.Generator().manual_seed(0), eos=1)
    assert set(found.lengths.tolist()) == {1, 2, 3}
    ended = (found.sequences == 1).cumsum(1).bool()
    assert torch.equal(found.lengths, (3 - ended.sum(1) + 1).clamp(max=3))
    assert (found.sequences[ended] == 1).all()  # once ended, always ended
    p = matrix.gather(1, found.sequences.T).T * (torch.arange(3) < found.lengths[:, None])
    torch.testing.assert_close(found.scores, p.sum(1))


# Ties


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 9999), n=st.sampled_from([1, 5, 40, SHORT, SHORT + 1, 2 * SHORT]), k=st.integers(1, 60))
def test_stable_topk_is_a_stable_sort(seed, n, k):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randint(-4, 1, (2, 3, n), generator=generator).double()
    scores = scores.masked_fill(torch.rand(2, 3, n, generator=generator) < 0.3 + 0.65 * (seed % 2), -torch.inf)
    values, index = stable_topk(scores, min(k, n))
    for i, j in product(range(2), range(3)):
        row = scores[i, j].tolist()
        expected = sorted(range(n), key=lambda place: -row[place])[:k]
        assert index[i, j].tolist() == expected
        assert values[i, j].tolist() == [row[place] for place in expected]


def test_ranks_are_score_over_length_to_the_penalty():
    found = exhaustive(by_hand([0.5, 0.5], [[0.2, 0.8]] * 2), *origin(1), 2, eos=0)
    torch.testing.assert_close(ranks(found, 0.0), found.scores)
    torch.testing.assert_close(ranks(found, 0.7), found.scores / found.lengths.double() ** 0.7)


# Sampling: the filters


def slow_top_k(logits, k):
    kept = sorted(range(len(logits)), key=lambda i: (-logits[i], i))[:k]
    return [x if i in kept else -math.inf for i, x in enumerate(logits)]


def slow_nucleus(logits, p):
    best = max(logits)
    weights = [math.exp(x - best) for x in logits]
    probabilities = [w / sum(weights) for w in weights]
    kept, total = [], 0.0
    for i in sorted(range(len(logits)), key=lambda i: (-logits[i], i)):
        kept.append(i)
        total += probabilities[i]
        if total >= p - 1e-12:
            break
    return [x if i in kept else -math.inf for i, x in enumerate(logits)]


@settings(max_examples=150, deadline=None)
@given(n=st.integers(1, 8), seed=st.integers(0, 9999), coarse=st.booleans(), data=st.data())
def test_filters_equal_their_definitions_as_loops(n, seed, coarse, data):
    logits = 2 * torch.randn(3, 2, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    logits = logits.round() if coarse else logits
    k = data.draw(st.integers(1, n))
    p = data.draw(st.floats(0.001, 0.999))
    top, nucleus = keep_top_k(logits, k), keep_nucleus(logits, p)
    for i, j in product(range(3), range(2)):
        assert top[i, j].tolist() == slow_top_k(logits[i, j].tolist(), k)
        assert nucleus[i, j].tolist() == slow_nucleus(logits[i, j].tolist(), p)


def test_filters_at_their_borders():
    even = torch.zeros(1, 4)  # 1/4 each, exactly
    inf = math.inf
    assert keep_top_k(even, 2).tolist() == [[0, 0, -inf, -inf]]  # of equals the smaller ids
    assert keep_nucleus(even, 0.5).tolist() == [[0, 0, -inf, -inf]]  # two reach 0.5
    assert keep_nucleus(even, 0.5 + 1e-6).tolist() == [[0, 0, 0, -inf]]
    assert keep_nucleus(even, 0.25).tolist() == [[0, -inf, -inf, -inf]]
    assert keep_nucleus(even, 1e-9).tolist() == [[0, -inf, -inf, -inf]]  # never empty
    tail = torch.tensor([[0.0, -30.0, -40.0]])  # in float32 the first alone sums to 1
    assert keep_nucleus(tail, 1.0).tolist() == tail.tolist()
    assert keep_top_k(tail, 3).tolist() == tail.tolist()
    order = torch.tensor([[0.1, 0.6, 0.3]]).log()
    assert keep_nucleus(order, 0.8).isneginf().tolist() == [[True, False, False]]
    assert keep_nucleus(keep_top_k(order, 2), 0.99).isneginf().tolist() == [[True, False, False]]


def test_a_nucleus_in_half_precision_counts_every_token():
    """4,096 tokens of 1/4096 each: their sums would stop growing at 1/2 or before in float16 and bfloat16."""
    for dtype in (torch.float16, torch.bfloat16):
        kept = keep_nucleus(torch.zeros(1, 4096, dtype=dtype), 0.75)
        assert kept.dtype == dtype
        assert kept.isfinite().sum() == 3072


def test_temperature():
    logits = torch.tensor([[1.0, 3.0, 2.0], [0.0, -torch.inf, -1.0]])
    assert with_temperature(logits, 1.0).tolist() == [[-2, 0, -1], [0, -math.inf, -1]]
    assert with_temperature(logits, 0.5).tolist() == [[-4, 0, -2], [0, -math.inf, -2]]
    torch.testing.assert_close(with_temperature(logits, 2.0).softmax(-1), (logits / 2).softmax(-1))
    assert with_temperature(logits, 1e-30).softmax(-1).tolist() == [[0, 1, 0], [1, 0, 0]]  # nothing overflows
    torch.testing.assert_close(with_temperature(logits[:1], 1e9).softmax(-1), torch.full((1, 3), 1 / 3))


# Sampling: the draws

PAIRS = [torch.tensor([[0.5, 0.3, 0.2]]), torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.4, 0.35, 0.25]])]


def pair_tables(draws):
    return table_step([p.double().log()[None].expand(draws, -1, -1) for p in PAIRS])


def filtered(probabilities, temperature, top_k, top_p):
    """Exact probabilities after the three filters in their order, by the loops."""
    logits = [math.log(p) / temperature for p in probabilities]
    logits = slow_top_k(logits, top_k) if top_k else logits
    logits = slow_nucleus(logits, top_p) if top_p else logits
    weights = [math.exp(x) for x in logits]
    return [w / sum(weights) for w in weights]


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [
        (1.0, None, None),
        (0.5, None, None),
        (2.5, None, None),
        (1.0, 2, None),
        (1.0, None, 0.75),
        (2.0, 2, 0.6),
        (0.6, None, 0.8),
    ],
)
def test_frequencies_are_the_exact_probabilities(temperature, top_k, top_p):
    """Chi-square over the nine pairs of tokens; 26.12 is the 0.999 quantile with 8 degrees of freedom, fewer need less."""
    draws = 20_000
    generator = torch.Generator().manual_seed(0)
    state, start = origin(draws)
    found = sample(pair_tables(draws), state, start, 2, generator, temperature, top_k, top_p)
    counts = torch.bincount(found.sequences @ torch.tensor([3, 1]), minlength=9).tolist()
    first = filtered(PAIRS[0][0].tolist(), temperature, top_k, top_p)
    expected = [p * q for i, p in enumerate(first) for q in filtered(PAIRS[1][i].tolist(), temperature, top_k, top_p)]
    assert all(count == 0 for count, p in zip(counts, expected) if p == 0)
    assert sum((count - draws * p) ** 2 / (draws * p) for count, p in zip(counts, expected) if p) < 26.12
    own = PAIRS[0][0][found.sequences[:, 0]] * PAIRS[1][found.sequences[:, 0], found.sequences[:, 1]]
    torch.testing.assert_close(found.scores.exp(), own.double(), rtol=1e-6, atol=0)  # unfiltered, untempered


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 9999), V=st.integers(2, 4), L=st.integers(1, 4), ending=st.booleans())
def test_the_limits_of_sampling_are_greedy(seed, V, L, ending):
    tables, eos = drawn_tables(3, V, L, seed, coarse=False), 0 if ending else None
    state, start = origin(3)
    followed = greedy(table_step(tables), state, start, L, eos)
    for limit in ({"temperature": 1e-9}, {"top_k": 1}, {"top_p": 1e-9}):
        generator = torch.Generator().manual_seed(seed)
        assert_same(sample(table_step(tables), state, start, L, generator, eos=eos, **limit), followed)


def test_a_generator_fixes_the_draws_and_nothing_else_moves():
    step, start = matrix_step(TOY), torch.zeros(4, dtype=torch.int64)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = (sample(step, None, start, 10, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert_same(first, again)
    assert not torch.equal(first.sequences, other.sequences)
    assert torch.equal(torch.get_rng_state(), before)
    assert_same(beam_search(step, None, start, 10, 4), beam_search(step, None, start, 10, 4))


# Recurrent language models, ours and torch.nn's

LAYERS = {
    "RNN": RNN,
    "LSTM": LSTM,
    "GRU": GRU,
    "torch RNN": lambda d, h: nn.RNN(d, h, batch_first=True),
    "torch LSTM": lambda d, h: nn.LSTM(d, h, batch_first=True),
    "torch GRU": lambda d, h: nn.GRU(d, h, batch_first=True),
    "torch LSTM, two layers": lambda d, h: nn.LSTM(d, h, num_layers=2, batch_first=True),
}
layers = pytest.mark.parametrize("name", LAYERS)


def drawn_model(name, dtype=torch.float64):
    torch.manual_seed(0)
    model = LanguageModel(5, LAYERS[name](3, 4)).to(dtype)
    with torch.no_grad():
        model.readout.weight.mul_(6)  # far from uniform, so that the state matters
    return model


@layers
def test_a_recurrent_step_equals_the_model_on_the_whole_prefix(name):
    model = drawn_model(name)
    tokens = torch.randint(5, (3, 6))
    expected = model(tokens)[0].log_softmax(-1)  # (3, 6, 5)
    step, state = recurrent_step(model), None
    for t in range(6):
        scores, state = step(state, tokens[:, t])
        torch.testing.assert_close(scores, expected[:, t], rtol=1e-12, atol=1e-12)
    state, last = read(step, None, tokens)
    assert torch.equal(last, tokens[:, -1])
    torch.testing.assert_close(step(state, last)[0], expected[:, -1], rtol=1e-12, atol=1e-12)
    state = reorder(state, torch.tensor([2, 0]))
    torch.testing.assert_close(step(state, last[[2, 0]])[0], expected[[2, 0], -1], rtol=1e-12, atol=1e-12)


@layers
def test_every_search_scores_what_the_model_says(name):
    """A hypothesis that went on with another's state would have another score."""
    model = drawn_model(name)
    step, prompt = recurrent_step(model), torch.tensor([[1, 2, 3], [4, 0, 2]])
    state, start = read(step, None, prompt)
    found = beam_search(step, state, start, 7, beams=4)
    paths = [greedy(step, state, start, 7), sample(step, state, start, 7, torch.Generator().manual_seed(0))]
    for sequences, scores in [
        *((found.sequences[:, i], found.scores[:, i]) for i in range(4)),
        *((path.sequences, path.scores) for path in paths),
    ]:
        log_p = model(torch.cat([prompt, sequences], 1)[:, :-1])[0][:, 2:].log_softmax(-1)  # (2, 7, 5)
        torch.testing.assert_close(scores, log_p.gather(-1, sequences[..., None]).sum((1, 2)), rtol=1e-12, atol=1e-12)
    every = exhaustive(step, state, start, 4)
    wide = beam_search(step, state, start, 4, beams=125)
    assert torch.equal(wide.sequences, every.sequences[:, :125])
    torch.testing.assert_close(wide.scores, every.scores[:, :125], rtol=1e-12, atol=1e-12)


def test_searches_record_no_gradient():
    step = recurrent_step(drawn_model("LSTM"))
    state, start = read(step, None, torch.tensor([[1, 2]]))
    assert not any(part.requires_grad for part in state)
    for found in (
        greedy(step, state, start, 3),
        beam_search(step, state, start, 3, 2),
        exhaustive(step, state, start, 3),
        sample(step, state, start, 3, torch.Generator().manual_seed(0)),
    ):
        assert not found.scores.requires_grad


# Precision, devices, arguments


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_sums_are_float32_at_least(dtype):
    """400 scores of -1: in bfloat16 a sum would stand still at -256."""
    step, start = matrix_step(torch.full((400, 3), -1.0, dtype=dtype)), torch.zeros(2, dtype=torch.int64)
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    for found in (
        greedy(step, None, start, 400),
        beam_search(step, None, start, 400, 2),
        sample(step, None, start, 400, torch.Generator().manual_seed(0)),
    ):
        assert found.scores.dtype == wide
        assert (found.scores == -400).all()
    assert exhaustive(step, None, start, 3).scores.dtype == wide


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_draws_from_half_precision_are_those_from_the_same_scores_in_float32(dtype):
    scores = torch.randn(6, 500, generator=torch.Generator().manual_seed(0)).log_softmax(-1).to(dtype)
    start = torch.zeros(5_000, dtype=torch.int64)
    half, single = (
        sample(matrix_step(given), None, start, 6, torch.Generator().manual_seed(0), temperature=0.7, top_p=0.9)
        for given in (scores, scores.float())
    )
    assert_same(half, single)


@pytest.mark.parametrize("where", DEVICES)
def test_works_where_the_tensors_are(where):
    step, start = matrix_step(TOY.float().to(where)), ZERO.to(where)
    found = beam_search(step, None, start, 10, 3, eos=2, penalty=1.0)
    generator = torch.Generator(where).manual_seed(0)
    others = [greedy(step, None, start, 4), exhaustive(step, None, start, 4, eos=1), sample(step, None, start, 4, generator)]
    assert {part.device.type for decoded in (found, *others) for part in decoded} == {where}
    expected = beam_search(matrix_step(TOY.float()), None, ZERO, 10, 3, eos=2, penalty=1.0)
    assert torch.equal(found.sequences.cpu(), expected.sequences)
    logits = torch.zeros(1, 5000, device=where)
    assert keep_nucleus(keep_top_k(logits, 1000), 0.5).isfinite().nonzero()[:, 1].tolist() == list(range(500))


def test_the_arguments_are_left_as_they_were():
    tables = drawn_tables(2, 3, 4, 0, coarse=False)
    state, start = origin(2)
    parts = [state.row, *state.seen[1].values(), start, *tables]
    before = [part.clone() for part in parts]
    step = table_step(tables)
    beam_search(step, state, start, 4, 3, eos=0)
    greedy(step, state, start, 4, eos=0)
    exhaustive(step, state, start, 4, eos=0)
    sample(step, state, start, 4, torch.Generator().manual_seed(0), 0.5, 2, 0.9, eos=0)
    assert all(torch.equal(a, b) for a, b in zip(before, parts))
    logits = tables[0].clone()
    keep_nucleus(keep_top_k(with_temperature(logits, 2.0), 2), 0.5)
    assert torch.equal(logits, tables[0])


# Errors


def searches(**changed):
    """The four searches with one argument changed, where they take it."""
    usual = {"step": matrix_step(TOY), "state": None, "start": ZERO, "length": 3, "eos": None}
    arguments = usual | changed
    own = {greedy: (), exhaustive: ("penalty",), beam_search: ("penalty", "beams"), sample: ("temperature", "top_k", "top_p")}
    extra = {beam_search: {"beams": 2}, sample: {"generator": torch.Generator().manual_seed(0)}}
    for search, names in own.items():
        if set(changed) <= {*usual, *names}:
            yield lambda search=search: search(**(extra.get(search, {}) | arguments))


constant = {"ints": torch.zeros(1, 5, dtype=torch.int64), "flat": torch.zeros(5), "rows": torch.zeros(7, 5)}
logits_by_mistake = torch.tensor([[-1.0, 2.0, 0.0]])
not_a_number = torch.tensor([[-1.0, torch.nan, -1.0]])


def always(scores):
    return lambda state, tokens: (scores if len(scores) != 1 else scores.expand(len(tokens), -1), state)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"start": ZERO[:0]}, ValueError, "start is empty"),
        ({"start": ZERO[None]}, ValueError, "start has shape (1, 1); expected (B,)"),
        ({"start": ZERO.float()}, TypeError, "start has dtype torch.float32; expected torch.int64"),
        ({"start": ZERO.int()}, TypeError, "start has dtype torch.int32; expected torch.int64"),
        ({"start": 0}, TypeError, "start is of type int"),
        ({"length": 0}, ValueError, "length is 0; expected a whole number from 1"),
        ({"length": 2.5}, ValueError, "length is 2.5; expected a whole number from 1"),
        ({"length": 4, "step": matrix_step(TOY[:2])}, ValueError, "matrix has 2 rows; expected one for each step, at least 3"),
        ({"eos": 5}, ValueError, "eos is 5; expected None or a token from 0 to 4"),
        ({"eos": -1}, ValueError, "eos is -1; expected None or a token from 0 to 4"),
        ({"beams": 0}, ValueError, "beams is 0; expected a whole number from 1"),
        ({"beams": 1.5}, ValueError, "beams is 1.5; expected a whole number from 1"),
        ({"penalty": -0.5}, ValueError, "penalty is -0.5; expected a finite number from 0"),
        ({"penalty": math.nan}, ValueError, "penalty is nan; expected a finite number from 0"),
        ({"penalty": math.inf}, ValueError, "penalty is inf; expected a finite number from 0"),
        ({"temperature": 0}, ValueError, "temperature is 0; expected a finite number above 0 (its limit at 0 is greedy)"),
        ({"temperature": -1.0}, ValueError, "temperature is -1.0; expected a finite number above 0"),
        ({"temperature": math.inf}, ValueError, "temperature is inf; expected a finite number above 0"),
        ({"temperature": math.nan}, ValueError, "temperature is nan; expected a finite number above 0"),
        ({"top_k": 0}, ValueError, "top_k is 0; expected a whole number from 1 to 5"),
        ({"top_k": 6}, ValueError, "top_k is 6; expected a whole number from 1 to 5"),
        ({"top_k": 2.0}, ValueError, "top_k is 2.0; expected a whole number from 1 to 5"),
        ({"top_p": 0.0}, ValueError, "top_p is 0.0; expected a probability above 0, at most 1"),
        ({"top_p": 1.1}, ValueError, "top_p is 1.1; expected a probability above 0, at most 1"),
        ({"top_p": math.nan}, ValueError, "top_p is nan; expected a probability above 0, at most 1"),
        ({"step": always(not_a_number)}, ValueError, "step gave a score of nan; expected log probabilities, none above 0"),
        ({"step": from_logits(always(not_a_number))}, ValueError, "step gave a score of nan"),
        ({"step": always(logits_by_mistake)}, ValueError, "step gave a score of 2.0; expected log probabilities, none above 0"),
        ({"step": always(constant["ints"])}, ValueError, "step gave torch.int64 of shape "),
        ({"step": always(constant["flat"])}, ValueError, "step gave torch.float32 of shape (5,); expected log scores ("),
        ({"step": always(constant["rows"])}, ValueError, "step gave torch.float32 of shape (7, 5); expected log scores ("),
    ],
)
def test_bad_input_is_named(changed, error, message):
    tried = 0
    for search in searches(**changed):
        tried += 1
        with pytest.raises(error, match=re.escape(message)):
            search()
    assert tried == {"beams": 1, "penalty": 2, "temperature": 1, "top_k": 1, "top_p": 1}.get(next(iter(changed)), 4)


def test_other_bad_input_is_named():
    with pytest.raises(ValueError, match="length is 8 with 5 tokens, 390625 sequences; expected at most 200000"):
        exhaustive(matrix_step(TOY), None, ZERO, 8)
    with pytest.raises(ValueError, match="step gave a row of -inf; expected at least one possible token"):
        sample(always(torch.full((1, 3), -torch.inf)), None, ZERO, 2, torch.Generator())
    with pytest.raises(TypeError, match=re.escape("model is of type LSTM; expected a utils.rnn.LanguageModel")):
        recurrent_step(nn.LSTM(3, 4))
    for prompt in (torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0, 2, dtype=torch.int64)):
        with pytest.raises(ValueError, match="prompt is empty"):
            read(matrix_step(TOY), None, prompt)
    with pytest.raises(TypeError, match=re.escape("prompt has dtype torch.float32; expected torch.int64")):
        read(matrix_step(TOY), None, torch.zeros(2, 3))
    with pytest.raises(ValueError, match="tokens holds ids from 7 to 7; expected 0 to 4"):
        greedy(recurrent_step(drawn_model("LSTM")), None, torch.tensor([7]), 2)
