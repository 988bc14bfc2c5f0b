"""Decoding: from a model that scores the next token to whole sequences, greedy, exhaustive or by beam search.

Nothing here knows the model. A search sees `step(state, tokens) -> (scores, state)`: tokens (N,) int64 is the last token of
each row, scores (N, V) are the log probabilities of the next one, and state is any nest of tuples, lists and dicts of tensors
whose first axis is N, or None. Scores are added up as they come, never normalised: so a table that is no distribution can be
searched too. All that a search needs is that none is above 0, so that a sum can only fall; this also tells logits given by
mistake, which `from_logits` makes log probabilities. Left out: constraints, diversity between hypotheses, and chance,
which is in `utils.sampling`.

Axes: B independent inputs, k beams, L = length, V vocabulary, N rows that a step answers at once (B, or B * k).
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from utils.rnn import LanguageModel
from utils.shapes import expect

Step = Callable[[Any, Tensor], tuple[Tensor, Any]]
EXHAUSTIVE_LIMIT = 200_000  # sequences
SHORT = 512  # an axis up to here is sorted faster than searched


class Decoded(NamedTuple):
    """What a search found for each input: (B, ...), and with several hypotheses a second axis k, the best first."""

    sequences: Tensor  # (B, L) or (B, k, L) int64, filled up with eos after the first eos
    lengths: Tensor  # (B,) or (B, k) int64: the tokens that count, the eos included
    scores: Tensor  # (B,) or (B, k): the sum of the step's scores, at least float32


def map_tensors(function: Callable[[Tensor], Tensor], nest: Any) -> Any:
    """The same nest of tuples, lists and dicts with `function` applied to each tensor; None stays None."""
    if isinstance(nest, dict):
        return {key: map_tensors(function, part) for key, part in nest.items()}
    if isinstance(nest, tuple | list):
        parts = [map_tensors(function, part) for part in nest]
        return type(nest)(*parts) if hasattr(nest, "_fields") else type(nest)(parts)  # a named tuple stays one
    return None if nest is None else function(nest)


def reorder(state: Any, index: Tensor) -> Any:
    """Row index[i] of every tensor in the nest becomes row i: index (M,) int64, first axis N -> M."""
    return map_tensors(lambda part: part[index], state)


def from_logits(step: Step) -> Step:
    """The step that gives log softmax of what `step` gives, in float32 or better."""

    def normalised(state: Any, tokens: Tensor) -> tuple[Tensor, Any]:
        logits, state = step(state, tokens)
        return at_least_float32(logits).log_softmax(-1), state

    return normalised


def matrix_step(matrix: Tensor) -> Step:
    """A model without memory: the scores of step t are row t of matrix (T, V), whatever came before. Its state counts time."""

    def step(time: Tensor | None, tokens: Tensor) -> tuple[Tensor, Tensor]:
        time = torch.zeros_like(tokens) if time is None else time  # (N,)
        if time.max() >= len(matrix):
            raise ValueError(f"matrix has {len(matrix)} rows; expected one for each step, at least {time.max() + 1}")
        return matrix[time], time + 1

    return step


def recurrent_step(model: LanguageModel) -> Step:
    """A recurrent language model as a step, over our layers or torch.nn's; dropout is on or off as the model says.

    torch.nn keeps its states as (layers, N, H); between two steps they are transposed, so that N comes first.
    """
    if not isinstance(model, LanguageModel):
        raise TypeError(f"model is of type {type(model).__name__}; expected a utils.rnn.LanguageModel")
    layers_first = isinstance(model.layer, nn.RNNBase)

    def swap(state: Any) -> Any:
        return map_tensors(lambda part: part.transpose(0, 1).contiguous(), state) if layers_first else state

    def step(state: Any, tokens: Tensor) -> tuple[Tensor, Any]:
        logits, state = model(tokens[:, None], swap(state))
        return logits[:, 0], swap(state)

    return from_logits(step)


@torch.no_grad()
def read(step: Step, state: Any, prompt: Tensor) -> tuple[Any, Tensor]:
    """Feed prompt (B, T) up to its last token -> the state there, and that last token (B,): where a search starts."""
    expect("prompt", prompt, ("B", "T"), torch.int64)
    for tokens in prompt[:, :-1].unbind(1):
        _, state = step(state, tokens)
    return state, prompt[:, -1]


@torch.no_grad()
def greedy(step: Step, state: Any, start: Tensor, length: int, eos: int | None = None) -> Decoded:
    """The best next token at each step, of equals the smaller id, until eos or `length` tokens: start (B,) -> (B, L)."""
    return follow(step, state, start, length, eos, lambda scores: scores.argmax(-1))


def ranks(found: Decoded, penalty: float) -> Tensor:
    """score / length ** penalty, what hypotheses of different lengths are compared by; in the shape of found.scores.

    Every further token lowers a sum, so penalty 0 favours the short; 1 compares means per token. Wu et al. (2016, eq. 14)
    divide by ((5 + length) / 6) ** penalty instead; this is the plain form of the same idea.
    """
    powers = torch.arange(found.sequences.shape[-1] + 1, device=found.scores.device, dtype=found.scores.dtype) ** penalty
    return found.scores / powers[found.lengths]  # one power for each length: equal lengths divide by the same bits


@torch.no_grad()
def exhaustive(step: Step, state: Any, start: Tensor, length: int, eos: int | None = None, penalty: float = 0.0) -> Decoded:
    """Every sequence there is, best first: start (B,) -> (B, M, L), M = V**L without eos. Impossible ones (-inf) come last.

    Order and ties are those of `beam_search`. Refused above 200,000 sequences.
    """
    _expect_arguments(start, length=length, penalty=penalty)
    V = _next(step, state, start, eos)[0].shape[-1]
    if V**length > EXHAUSTIVE_LIMIT:
        raise ValueError(f"length is {length} with {V} tokens, {V**length} sequences; expected at most {EXHAUSTIVE_LIMIT}")
    sequences = torch.cartesian_prod(*[torch.arange(V, device=start.device)] * length).view(-1, length)  # (V**L, L)
    ends = sequences == (-1 if eos is None else eos)
    past = (ends.cumsum(1) - ends.long()) > 0  # (V**L, L): true after the first eos
    whole = (ends | ~past).all(1)  # one way only to go on after it: with more of them
    sequences, past = sequences[whole], past[whole]  # (M, L)
    B, M, rows = len(start), len(sequences), torch.arange(len(start), device=start.device)
    state, tokens = reorder(state, rows.repeat_interleave(M)), start.repeat_interleave(M)
    sums = [torch.zeros(B, M, device=start.device)]
    for t in range(length):
        scores, state = _next(step, state, tokens)
        tokens = sequences[:, t].repeat(B)  # (B * M,)
        gained = scores.gather(1, tokens[:, None]).view(B, M)
        sums.append(sums[-1] + gained.masked_fill(past[:, t], 0))
    lengths = (~past).sum(1).expand(B, M)
    every = Decoded(sequences.expand(B, M, length), lengths, sums[-1])
    order = torch.arange(M, device=start.device).expand(B, M)  # by the first token, then the second ...
    for key in (*sums, -lengths, ranks(every, penalty)):  # stable sorts: each key outweighs those before it
        order = order.gather(1, key.gather(1, order).sort(dim=1, descending=True, stable=True).indices)
    return Decoded(*(part[rows[:, None], order] for part in every))


def stable_topk(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest along the last axis, best first, of equals the earlier first: (..., V) -> values and indices (..., k).

    torch.topk breaks ties as it likes, and a stable sort of a long axis is slow; there topk gives only the k-th value.
    """
    if scores.shape[-1] <= SHORT:
        values, index = scores.sort(dim=-1, descending=True, stable=True)
        return values[..., :k], index[..., :k]
    least = scores.topk(k).values[..., -1:]
    above, equal = scores > least, scores == least
    taken = above | (equal & (equal.cumsum(-1) <= k - above.sum(-1, keepdim=True)))  # k in each row
    index = taken.nonzero()[:, -1].view(*scores.shape[:-1], k)
    values, order = scores.gather(-1, index).sort(dim=-1, descending=True, stable=True)
    return values, index.gather(-1, order)


@torch.no_grad()
def beam_search(
    step: Step, state: Any, start: Tensor, length: int, beams: int, eos: int | None = None, penalty: float = 0.0
) -> Decoded:
    """Keep the `beams` best prefixes over all continuations, step by step: start (B,) -> (B, k, L), the best rank first.

    Lowerre (1976) searched speech so, Graves (2012) with a recurrent network, Sutskever et al. (2014) for translation.
    Each step ranks the k * V continuations by their sums. Of the first k, those that end in eos are finished (all, at the
    last step); the best k of the others run on. The k finished ones with the best `ranks` are kept. The search stops when
    every input has k of them and the worst ranks no lower than best running sum / length ** penalty: the most that a
    running one could reach, if all its further tokens were free, so stopping changes no result.

    Ties: a stable sort over (hypothesis, token), so the earlier hypothesis first, then the smaller token; among finished
    ones the one that finished first. A prefix that deviates later from the best one therefore comes earlier.
    `beams` may exceed V, as the first step shows. Where fewer sequences are possible, the rest have score -inf and length 0.
    """
    _expect_arguments(start, length=length, beams=beams, penalty=penalty)
    B, k, rows = len(start), beams, torch.arange(len(start), device=start.device)[:, None]
    state, tokens = reorder(state, rows.expand(B, k).flatten()), start.repeat_interleave(k)
    sequences = start.new_full((B, k, length), 0 if eos is None else eos)
    finished = Decoded(sequences, start.new_zeros(B, k), torch.full((B, k), -torch.inf, device=start.device))
    worst, scores = finished.scores[:, -1], finished.scores.clone()
    scores[:, 0] = 0  # one hypothesis, the empty one; the other places are free
    for t in range(1, length + 1):
        following, state = _next(step, state, tokens, eos)  # (B * k, V)
        V = following.shape[-1]
        continued = (scores[..., None] + following.view(B, k, V)).flatten(1)  # (B, k * V)
        scores, index = stable_topk(continued, min(2 * k, k * V))  # at most k of 2k end in eos, so k can run on
        parent, tokens = index // V, index % V
        sequences = sequences[rows, parent]
        sequences[..., t - 1] = tokens
        ends = torch.ones_like(tokens, dtype=torch.bool) if t == length else tokens == (-1 if eos is None else eos)
        if ends.any():
            new = Decoded(sequences, torch.full_like(tokens, t), scores.masked_fill(~ends, -torch.inf))
            both = Decoded(*(torch.cat([old, part[:, :k]], 1) for old, part in zip(finished, new)))
            best, kept = stable_topk(ranks(both, penalty), k)
            worst, finished = best[:, -1], Decoded(*(part[rows, kept] for part in both))
        scores, running = stable_topk(scores.masked_fill(ends, -torch.inf), k)
        hoped = Decoded(sequences, torch.full_like(running, length), scores)
        if (worst >= ranks(hoped, penalty)[:, 0]).all():
            break
        sequences, tokens = sequences[rows, running], tokens[rows, running].flatten()
        state = reorder(state, (rows * k + parent[rows, running]).flatten())
    return finished


def follow(step: Step, state: Any, start: Tensor, length: int, eos: int | None, choose: Callable[[Tensor], Tensor]) -> Decoded:
    """One hypothesis for each input, extended by choose(scores (B, V)) -> (B,)."""
    _expect_arguments(start, length=length)
    sequences = start.new_full((len(start), length), 0 if eos is None else eos)
    lengths, total, tokens = torch.zeros_like(start), torch.zeros(len(start), device=start.device), start
    running = torch.ones_like(start, dtype=torch.bool)
    for t in range(length):
        scores, state = _next(step, state, tokens, eos)
        tokens = choose(scores)
        total = total + scores.gather(1, tokens[:, None])[:, 0].masked_fill(~running, 0)
        lengths = lengths + running
        sequences[:, t] = tokens.where(running, sequences[:, t])
        if eos is not None:
            running = running & (tokens != eos)
            if not running.any():
                break
    return Decoded(sequences, lengths, total)


def _next(step: Step, state: Any, tokens: Tensor, eos: int | None = None) -> tuple[Tensor, Any]:
    """What the step says, once it is sound: scores (N, V) in float32 or better, and the state after it."""
    scores, state = step(state, tokens)
    if scores.ndim != 2 or len(scores) != len(tokens) or not scores.is_floating_point():
        raise ValueError(f"step gave {scores.dtype} of shape {tuple(scores.shape)}; expected log scores ({len(tokens)}, V)")
    if not scores.max() <= 0:  # a NaN is the maximum wherever there is one
        raise ValueError(f"step gave a score of {scores.max()}; expected log probabilities, none above 0 (see from_logits)")
    if eos is not None and not 0 <= eos < scores.shape[1]:
        raise ValueError(f"eos is {eos}; expected None or a token from 0 to {scores.shape[1] - 1}")
    return at_least_float32(scores), state


def at_least_float32(x: Tensor) -> Tensor:
    """x, in float32 if its precision is lower."""
    return x.to(torch.promote_types(x.dtype, torch.float32))  # many half-precision terms do not add up


def _expect_arguments(start: Tensor, length: int, beams: int = 1, penalty: float = 0.0) -> None:
    expect("start", start, ("B",), torch.int64)
    for name, value in (("length", length), ("beams", beams)):
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is {value}; expected a whole number from 1")
    if not 0 <= penalty < math.inf:
        raise ValueError(f"penalty is {penalty}; expected a finite number from 0")
