"""Checks of chapter 07, sequence to sequence. Axes: B sentences, T steps, V words, D word vector, H state, C summary."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import numpy as np
import torch
from sacrebleu.metrics.bleu import BLEU
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from utils import decoding
from utils.grading.rooms import Room
from utils.grading.task import mistake, not_finite, sizes, task

Parts = Iterator[tuple[str, object]]


def normal(rng: np.random.Generator, *shape: int) -> Tensor:
    """Normal numbers in PyTorch's default precision."""
    return torch.from_numpy(rng.normal(size=shape)).float()


def ragged(rng: np.random.Generator, B: int, T: int) -> np.ndarray:
    """B lengths, the first T - 2, the others in no order: T, again T - 2, none of T - 1, and some from 2 to T - 3."""
    return np.array([T - 2, *rng.permutation([T, T - 2, *rng.integers(2, T - 2, size=B - 3)])])


# 07.1 What the decoder reads and what it predicts


def shifted(sentence: np.ndarray, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    inputs, targets = np.full((2, len(sentence) + 1), [[start], [end]])
    inputs[1:] = targets[:-1] = sentence
    return inputs, targets


def framed_as(inputs: Callable, targets: Callable) -> Callable:
    """Lists made of (start, the words, end): what is read, and what is predicted."""

    def inputs_and_targets(sentence, start, end):
        return tuple(np.array(make(start, sentence.tolist(), end), dtype=int) for make in (inputs, targets))

    return inputs_and_targets


@task(
    "07.1",
    oracle={"inputs_and_targets": shifted},
    mistakes={
        "the targets not shifted": mistake(
            "Compare the two rows place by place: the decoder is asked for what it reads there. Look at your targets.",
            inputs_and_targets=framed_as(lambda s, w, e: [s, *w], lambda s, w, e: [s, *w]),
        ),
        "the inputs not shifted": mistake(
            "Compare the two rows place by place: what the decoder is to predict, it reads. Look at your inputs.",
            inputs_and_targets=framed_as(lambda s, w, e: [*w, e], lambda s, w, e: [*w, e]),
        ),
        "both rows framed": mistake(
            "Your rows are equal, and both are one token too long. Look at which row needs which of the two tokens.",
            inputs_and_targets=framed_as(lambda s, w, e: [s, *w, e], lambda s, w, e: [s, *w, e]),
        ),
        "the end missing": mistake(
            "Look for the token that tells a decoder to stop: nothing in your targets teaches it.",
            inputs_and_targets=framed_as(lambda s, w, e: [s, *w[:-1]], lambda s, w, e: w),
        ),
        "one target too few": mistake(
            "What is the decoder to say after the last input? Look at the lengths of your two rows.",
            inputs_and_targets=framed_as(lambda s, w, e: [s, *w], lambda s, w, e: w),
        ),
        "the start in the targets": mistake(
            "Nothing ever has to predict that a sentence begins. Look at the first of your targets.",
            inputs_and_targets=framed_as(lambda s, w, e: [s, *w], lambda s, w, e: [s, *w, e]),
        ),
        "the end kept in the inputs": mistake(
            "Nothing is to be predicted after the end. Look at the last of your inputs.",
            inputs_and_targets=framed_as(lambda s, w, e: [s, *w, e], lambda s, w, e: [*w, e]),
        ),
        "no start": mistake(
            "The first word has to be predicted too. Look at what the decoder reads before it.",
            inputs_and_targets=framed_as(lambda s, w, e: w, lambda s, w, e: [*w[1:], e]),
        ),
        "the end repeated to fill up": mistake(
            "Two rows of unlike length ask where the one too many comes from. Look at the last places of both.",
            inputs_and_targets=framed_as(lambda s, w, e: [s, *w, e], lambda s, w, e: [*w, e, e]),
        ),
        "shifted to the wrong side": mistake(
            "Your decoder reads the next word and predicts the one before. Look at which row is ahead, and which is first.",
            inputs_and_targets=framed_as(lambda s, w, e: [*w, e], lambda s, w, e: [s, *w]),
        ),
        "shifted twice": mistake(
            "Each target is the very next token. Look at how far your targets are ahead.",
            inputs_and_targets=framed_as(lambda s, w, e: [s, *w], lambda s, w, e: [*w[1:], e, e]),
        ),
        "start and end exchanged": mistake(
            "Look at which token is read before the first word, and which is predicted after the last.",
            inputs_and_targets=framed_as(lambda s, w, e: [e, *w], lambda s, w, e: [*w, s]),
        ),
    },
)
def inputs_and_targets(room: Room, rng: np.random.Generator) -> Parts:
    start, end, *words = rng.permutation(np.arange(3, 40))[: 2 + rng.integers(5, 9)].tolist()
    yield "the inputs and the targets", room.call("inputs_and_targets", np.array(words), start, end)
    twice = np.array([words[0], 0, words[1], words[1], 0])
    yield "words that repeat, and a word 0", room.call("inputs_and_targets", twice, start, end)
    yield "one word", room.call("inputs_and_targets", np.array(words[:1]), start, end)
    yield "no word", room.call("inputs_and_targets", np.zeros(0, dtype=int), start, end)
    yield "one token for both", room.call("inputs_and_targets", np.array(words), end, end)


# 07.2 The search or the model


def judged_by_rows(step: Callable, state: object, found: np.ndarray, true: np.ndarray, start: int, end: int) -> tuple:
    """All rows of log probabilities first, then what they say of the words and of the end."""
    scores = []
    for sentence in (found, true):
        inputs, targets = shifted(sentence, start, end)
        rows, after = [], state
        for token in inputs.tolist():
            log_p, after = step(after, token)
            rows.append(log_p)
        scores.append(float(np.stack(rows)[np.arange(len(targets)), targets].sum()))
    return *scores, scores[1] > scores[0]


def judged_with(
    inputs: Callable = lambda words, start, end: [start, *words],
    targets: Callable = lambda words, start, end: [*words, end],
    read: Callable = lambda given, best: given,
    carry: Callable = lambda after, first: after,
    gain: Callable = lambda log_p, target: log_p[target],
    score: Callable = sum,
    again: Callable = lambda first, left: first,
    missed: Callable = lambda found, true, words: true > found,
    returned: Callable = lambda found, true, missed: (found, true, missed),
) -> Callable:
    """What is read, what is predicted, what each prediction adds, and what becomes of the two scores."""

    def scored(step: Callable, first: object, words: list[int], start: int, end: int) -> tuple[float, object]:
        state, best, gains = first, start, []
        for given, target in zip(inputs(words, start, end), targets(words, start, end)):
            log_p, after = step(state, read(given, best))
            state, best = carry(after, first), int(log_p.argmax())
            gains.append(gain(log_p, target))
        return float(score(gains)), state

    def judge(step, state, found, true, start, end):
        of_found, left = scored(step, state, found.tolist(), start, end)
        of_true, _ = scored(step, again(state, left), true.tolist(), start, end)
        return returned(of_found, of_true, bool(missed(of_found, of_true, (len(found) + 1, len(true) + 1))))

    return judge


@task(
    "07.2",
    oracle={"judge": judged_by_rows},
    mistakes={
        "its own words read": mistake(
            "Change the second word of a sentence: what your decoder reads stays the same. Whose words are to be scored?",
            judge=judged_with(read=lambda given, best: best),
        ),
        "its own words scored": mistake(
            "You score what the decoder would have said. Look at which entry of each row you take.",
            judge=judged_with(gain=lambda log_p, target: log_p.max()),
        ),
        "the end left out": mistake(
            "A sentence is not over with its last word. Look at what else the decoder has to say, and at its price.",
            judge=judged_with(targets=lambda words, start, end: words),
        ),
        "the first word for nothing": mistake(
            "The first word has a probability too. Look at what the decoder has read when it predicts it.",
            judge=judged_with(lambda words, start, end: words, lambda words, start, end: [*words[1:], end]),
        ),
        "the word scored that is read": mistake(
            "A row is about the token that comes next. Look at which token you score with it.",
            judge=judged_with(lambda words, start, end: [*words, end], lambda words, start, end: [*words, end]),
        ),
        "the start scored": mistake(
            "Nothing ever has to predict that a sentence begins. Look at the first number that you add.",
            judge=judged_with(lambda words, start, end: [start, start, *words], lambda words, start, end: [start, *words, end]),
        ),
        "the end read for the start": mistake(
            "Look at the token that the decoder reads first. There are two that are no words.",
            judge=judged_with(lambda words, start, end: [end, *words]),
        ),
        "the start read at every step": mistake(
            "Each word is predicted from those before it. Look at the tokens that the decoder gets to read.",
            judge=judged_with(lambda words, start, end: [start] * (len(words) + 1)),
        ),
        "the state left behind": mistake(
            "The step returns a new state. Look at which one you hand over next.",
            judge=judged_with(carry=lambda after, first: first),
        ),
        "one state for both sentences": mistake(
            "Your first number is right. Look at what the decoder has read when the second sentence begins.",
            judge=judged_with(again=lambda first, left: left),
        ),
        "the mean per token": mistake(
            "The probability of a sentence is a product, with a factor for each token. Look at what you divide by.",
            judge=judged_with(score=np.mean),
        ),
        "probabilities added up": mistake(
            "Probabilities are multiplied, so their logarithms are added. Look at what you add.",
            judge=judged_with(gain=lambda log_p, target: np.exp(log_p[target])),
        ),
        "the probabilities": mistake(
            "Logarithms are asked for. Look at what you do with the sums.",
            judge=judged_with(score=lambda gains: np.exp(sum(gains))),
        ),
        "the costs": mistake(
            "A probability is at most 1. Look at the sign of its logarithm, and of yours.",
            judge=judged_with(score=lambda gains: -sum(gains)),
        ),
        "the model blamed for the search": mistake(
            "Both numbers are right. Say in words which of the two sentences a perfect search would have found.",
            judge=judged_with(missed=lambda found, true, words: true <= found),
        ),
        "judged by the mean per token": mistake(
            "Both numbers are right. Look at what you do to them before you compare them.",
            judge=judged_with(missed=lambda found, true, words: true / words[1] > found / words[0]),
        ),
        "the two exchanged": mistake(
            "Look at which of the two sentences your first number is about.",
            judge=judged_with(returned=lambda found, true, missed: (true, found, missed)),
        ),
    },
)
def judge(room: Room, rng: np.random.Generator) -> Parts:
    V, H, M = int(rng.integers(7, 11)), 3, 101
    start, end, *words = rng.permutation(V).tolist()
    mix, shift = rng.integers(1, M, size=(H, H)), rng.integers(1, M, size=H)
    logits = 1.5 * rng.normal(size=(M, V))
    table = logits - np.log(np.exp(logits).sum(1, keepdims=True))

    def step(state: np.ndarray, token: int) -> tuple[np.ndarray, np.ndarray]:
        """A decoder whose state, H whole numbers below M, remembers every token."""
        state = (state @ mix + (int(token) + 1) * shift) % M
        return table[state.sum() % M], state

    state = rng.integers(1, M, size=H)

    def asked(*lengths: int) -> object:
        return room.call("judge", step, state, *(rng.choice(words, size=length) for length in lengths), start, end)

    yield "a pair of sentences", asked(4, 6)
    yield "a longer one found", asked(7, 3)
    yield "many pairs", [asked(*rng.permutation(6)[:2] + 1) for _ in range(20)]
    yield "no word found", asked(0, 2)
    yield "a reference of no word", asked(2, 0)


# 07.3 The summary of a padded batch


def encode_packed(source: np.ndarray, lengths: np.ndarray, words: np.ndarray, *weights: np.ndarray) -> np.ndarray:
    W_xh, W_hh, b = map(torch.from_numpy, weights)
    layer = nn.RNN(*W_xh.shape, batch_first=True, dtype=torch.float64)
    for parameter, value in zip(layer.parameters(), (W_xh.T, W_hh.T, b, 0 * b)):
        parameter.data.copy_(value)
    x = torch.from_numpy(words)[torch.from_numpy(source)]
    packed = pack_padded_sequence(x, torch.from_numpy(lengths), batch_first=True, enforce_sorted=False)
    return layer(packed)[1][0].detach().numpy()


def encode_with(
    real: Callable = lambda t, lengths, ids: t < lengths,
    mix: Callable = lambda going, after, before: np.where(going, after, before),
    x_of: Callable = lambda x, going: x,
    steps: Callable = lambda T, lengths: range(T),
    squash: Callable = np.tanh,
    end: Callable = lambda states, lengths: states[-1],
) -> Callable:
    """real(t, lengths, ids) (B,) says who goes on; mix(that, the next state, the last one); end(all states from h_0 on)."""

    def encode(source, lengths, words, W_xh, W_hh, b):
        states = [np.zeros((len(source), len(W_hh)))]
        for t in steps(source.shape[1], lengths):
            going = real(t, lengths, source[:, t])[:, None]
            x = x_of(words[source[:, t]], going)
            states.append(mix(going, squash(x @ W_xh + states[-1] @ W_hh + b), states[-1]))
        return end(states, lengths)

    return encode


def everyone(t: int, lengths: np.ndarray, ids: np.ndarray) -> np.ndarray:
    return np.ones(len(lengths), dtype=bool)


def mean_of_real(states: list[np.ndarray], lengths: np.ndarray) -> np.ndarray:
    return np.stack([np.mean([state[b] for state in states[1 : length + 1]], 0) for b, length in enumerate(lengths)])


@task(
    "07.3",
    oracle={"encode": encode_packed},
    mistakes={
        "the state after the padding": mistake(
            "Change the padding of a short sentence: its summary changes. Look at what its state does after its last word.",
            encode=encode_with(everyone),
        ),
        "the state zeroed in the padding": mistake(
            "The summaries of your short sentences are zero. Look at what a sentence that is over keeps.",
            encode=encode_with(mix=lambda going, after, before: after * going),
        ),
        "zeros read as padding": mistake(
            "An input of zero still moves the state: a matrix and a bias act on it. Look at what it is that you mask.",
            encode=encode_with(x_of=lambda x, going: x * going, mix=lambda going, after, before: after),
        ),
        "one word too few": mistake(
            "Look at a sentence of one word: has it been read?",
            encode=encode_with(lambda t, lengths, ids: t < lengths - 1),
        ),
        "one word too many": mistake(
            "A sentence of length 2 has its words at the places 0 and 1. Look at your comparison.",
            encode=encode_with(lambda t, lengths, ids: t <= lengths),
        ),
        "padding told by the id 0": mistake(
            "Word 0 is a word like any other, and the padding may be any. Look at what says who is over.",
            encode=encode_with(lambda t, lengths, ids: ids != 0),
        ),
        "frozen while the words last": mistake(
            "Change a word of the longest sentence: nothing happens. Look at the sides of your mask.",
            encode=encode_with(mix=lambda going, after, before: np.where(going, before, after)),
        ),
        "all stop with the shortest": mistake(
            "The short sentences are right. Look at where the long ones end.",
            encode=encode_with(steps=lambda T, lengths: range(lengths.min())),
        ),
        "all stop with the first sentence": mistake(
            "Each sentence has a length of its own. Look at whose you take.",
            encode=encode_with(lambda t, lengths, ids: t < lengths[:1].repeat(len(lengths))),
        ),
        "the mean of the states": mistake(
            "The last state is asked for. Look at what you do with those before it.",
            encode=encode_with(everyone, end=mean_of_real),
        ),
        "read from the end": mistake(
            "The first word comes first. Look at the direction in which you read.",
            encode=encode_with(steps=lambda T, lengths: reversed(range(T))),
        ),
        "no tanh": mistake(
            "Look at the size of your states: where in the equation does tanh stand?",
            encode=encode_with(squash=lambda a: a),
        ),
        "the bias left out": mistake(
            "Change the bias: your answer stays the same.",
            encode=lambda *args: encode_packed(*args[:-1], 0 * args[-1]),
        ),
        "the state without effect": mistake(
            "Change the first word of a long sentence: nothing happens. Look at what comes from the step before.",
            encode=lambda *args: encode_packed(*args[:-2], 0 * args[-2], args[-1]),
        ),
        "the recurrent matrix transposed": mistake(
            "Rows are vectors: the state stands on the left of its matrix. Look at the order of the product.",
            encode=lambda *args: encode_packed(*args[:-2], args[-2].T.copy(), args[-1]),
        ),
    },
)
def encode(room: Room, rng: np.random.Generator) -> Parts:
    B, T, D, H = np.add(sizes(rng, 4), (3, 5, 0, 0)).tolist()
    V = 17
    model = rng.normal(size=(V, D)), rng.normal(size=(D, H)) / 2, rng.normal(size=(H, H)) / 2, rng.normal(size=H) / 2
    source = rng.integers(1, V, size=(B, T))
    source[:, 1] = 0  # a word in all of them
    lengths = ragged(rng, B, T)
    yield "each sentence's own last state", room.call("encode", source, lengths, *model)
    filled = np.where(np.arange(T) < lengths[:, None], source, 0)
    yield "padding of one id", room.call("encode", filled, lengths, *model)
    yield "single words among them", room.call("encode", source, np.where(np.arange(B) % 2, 1, T), *model)
    yield "none as long as the batch is wide", room.call("encode", source, np.minimum(lengths, T - 2), *model)
    yield "no padding", room.call("encode", source, np.full(B, T), *model)
    yield "a single sentence", room.call("encode", source[:1], np.array([2]), *model)


# 07.4 The source backwards


def reverse_rows(tokens: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return np.array([[*row[:length][::-1], *row[length:]] for row, length in zip(tokens.tolist(), lengths)])


def reverse_with(turned: Callable) -> Callable:
    """turned(row, length) is a row of the answer, a list."""
    return lambda tokens, lengths: np.array([turned(row, length) for row, length in zip(tokens.tolist(), lengths.tolist())])


@task(
    "07.4",
    oracle={"reverse": reverse_rows},
    mistakes={
        "the padding in front": mistake(
            "Look at where the padding of a short sentence stands in your answer.",
            reverse=lambda tokens, lengths: tokens[:, ::-1],
        ),
        "the padding turned round too": mistake(
            "The words are right. Look at the places behind them: they stay as they are.",
            reverse=reverse_with(lambda row, n: row[:n][::-1] + row[n:][::-1]),
        ),
        "the padding set to 0": mistake(
            "The words are right. Look at the places behind them: yours all hold the same.",
            reverse=reverse_with(lambda row, n: row[:n][::-1] + (len(row) - n) * [0]),
        ),
        "the last word left in place": mistake(
            "The last word of a sentence comes first. Look at where your slice ends.",
            reverse=reverse_with(lambda row, n: row[: n - 1][::-1] + row[n - 1 :]),
        ),
        "a place of padding turned along": mistake(
            "Look at the first column: is it a word of the sentence in every row?",
            reverse=reverse_with(lambda row, n: row[: n + 1][::-1] + row[n + 1 :]),
        ),
        "the first word left in place": mistake(
            "The first word of a sentence comes last. Look at where your slice ends on its way to the left.",
            reverse=reverse_with(lambda row, n: row[:1] + row[1:n][::-1] + row[n:]),
        ),
        "all by the longest": mistake(
            "A sentence is turned round its own middle. Look at whose length you use.",
            reverse=lambda tokens, lengths: reverse_rows(tokens, np.full_like(lengths, lengths.max())),
        ),
        "all by the shortest": mistake(
            "Only the beginnings of your long sentences are turned. Look at whose length you use.",
            reverse=lambda tokens, lengths: reverse_rows(tokens, np.full_like(lengths, lengths.min())),
        ),
        "all by the first": mistake(
            "The first row is right. Look at whose length the others use.",
            reverse=lambda tokens, lengths: reverse_rows(tokens, np.full_like(lengths, lengths[0])),
        ),
        "the ends exchanged": mistake(
            "The first and the last word are right. Look at those between them.",
            reverse=reverse_with(lambda row, n: row if n < 2 else [row[n - 1], *row[1 : n - 1], row[0], *row[n:]]),
        ),
        "sorted": mistake(
            "Words come in the opposite order of places, not of ids. Look at what you sort by.",
            reverse=reverse_with(lambda row, n: sorted(row[:n], reverse=True) + row[n:]),
        ),
        "the sentences turned round": mistake(
            "Each row stays where it is. Look at the axis that you turn.",
            reverse=lambda tokens, lengths: tokens[::-1],
        ),
        "rotated": mistake(
            "All words but one keep their neighbours' order. Look at whether you turn the row or push it.",
            reverse=reverse_with(lambda row, n: row[n - 1 : n] + row[: n - 1] + row[n:]),
        ),
        "padding told by the id 0": mistake(
            "0 may be a word, and the padding may be anything. Look at what says where a sentence ends.",
            reverse=lambda tokens, lengths: reverse_rows(tokens, (tokens != 0).sum(1)),
        ),
    },
)
def reverse(room: Room, rng: np.random.Generator) -> Parts:
    B, T = np.add(sizes(rng, 2), (4, 7)).tolist()
    lengths = ragged(rng, B, T)
    lengths[1:] = np.maximum(lengths[1:], 3)  # too few to tell some ways of turning apart

    def batch() -> np.ndarray:
        """Rows of different ids from 0 on, 0 among the words of each: no two mistakes agree on such a row by chance."""
        tokens = np.stack([1 + rng.permutation(3 * T)[:T] for _ in range(B)])
        tokens[:, 0] = 0
        return tokens

    tokens = batch()
    yield "words turned, padding in place", room.call("reverse", tokens, lengths)
    filled = np.where(np.arange(T) < lengths[:, None], batch(), 0)
    yield "padding of one id", room.call("reverse", filled, lengths)
    yield "single words and pairs", room.call("reverse", tokens, 1 + np.arange(B) % 2)
    yield "no padding", room.call("reverse", tokens, np.full(B, T))
    yield "a single sentence", room.call("reverse", tokens[:1], np.array([3]))


# 07.5 Translate a batch


def translate_by_the_book(step: Callable, state: Tensor, start: Tensor, length: int, end: int) -> tuple[Tensor, Tensor]:
    found = decoding.greedy(step, state, start, length, end)
    return found.sequences, found.scores


def translate_with(
    choose: Callable = lambda log_p: log_p.argmax(-1),
    fill: Callable = lambda raw, over, end: raw.masked_fill(over, end),
    ends: Callable = lambda over, raw, end: over | (raw == end),
    counts: Callable = lambda over, raw, end: ~over,
    gain: Callable = lambda chosen: chosen,
    read: Callable = lambda tokens, start: tokens,
    carry: Callable = lambda after, first: after,
    done: Callable = torch.all,
    score: Callable = lambda total, lengths: total,
) -> Callable:
    """Greedy decoding with a part exchanged: `raw` (B,) are the tokens chosen, `over` (B,) who has ended before."""

    def translate(step, state, start, length, end):
        first, tokens, over, total = state, start, torch.zeros(len(start), dtype=torch.bool), torch.zeros(len(start)).double()
        lengths, taken = torch.zeros(len(start)), torch.full((len(start), length), end)
        for t in range(length):
            log_p, after = step(state, read(tokens, start))
            state, raw = carry(after, first), choose(log_p)
            tokens = fill(raw, over, end)
            taken[:, t] = tokens
            total = total + gain(log_p.gather(1, raw[:, None])[:, 0].double()) * counts(over, raw, end)
            lengths = lengths + ~over
            over = ends(over, raw, end)
            if done(over):
                break
        return taken, score(total, lengths).float()

    return translate


def lower_where_over(got: object, wanted: object) -> bool:
    """A sign of a sum that goes on past the end: the tokens are right, and no score but some that are too low is wrong."""
    if not isinstance(got, (list, tuple)) or len(got) != 2 or not all(isinstance(part, Tensor) for part in got):
        return False
    (tokens, scores), (right, due) = got, wanted
    if tokens.shape != right.shape or scores.shape != due.shape or not torch.equal(tokens, right):
        return False
    near = torch.isclose(scores.float(), due, atol=1e-4)
    return bool(near.any() and (scores < due)[~near].all())


@task(
    "07.5",
    oracle={"translate": translate_by_the_book},
    may_use=("torch",),
    mistakes={
        "the sum goes on past the end": mistake(
            "A sentence that is over costs nothing more. Look at what you add for it.",
            sign=lower_where_over,
        ),
        "sentences go on past the end": mistake(
            "Nothing follows the end but more of it. Look at what a sentence that is over does at the next step.",
            translate=translate_with(ends=lambda over, raw, end: over),
        ),
        "the tokens after the end left in": mistake(
            "The scores are right. Look at what stands in your rows after the first end.",
            translate=translate_with(fill=lambda raw, over, end: raw),
        ),
        "the end for nothing": mistake(
            "The end was chosen like any other token. Look at whether its log probability is in your sum.",
            translate=translate_with(counts=lambda over, raw, end: ~over & (raw != end)),
        ),
        "all stop with the first": mistake(
            "Some are over, others are not. Look at what makes you leave the loop.",
            translate=translate_with(done=torch.any),
        ),
        "who was over wakes up": mistake(
            "Once over, always over. Look at what you remember from one step to the next.",
            translate=translate_with(ends=lambda over, raw, end: raw == end),
        ),
        "filled up with 0": mistake(
            "After the end comes the end. Look at what you fill up with.",
            translate=translate_with(fill=lambda raw, over, end: raw.masked_fill(over, 0)),
        ),
        "the state left behind": mistake(
            "The step returns a new state. Look at which one you hand over next.",
            translate=translate_with(carry=lambda after, first: first),
        ),
        "the start read at every step": mistake(
            "The decoder reads its own last tokens. Look at the tokens that you hand over.",
            translate=translate_with(read=lambda tokens, start: start),
        ),
        "one token for all": mistake(
            "Each sentence takes its own best token. Look at how many numbers you compare, and along which axis.",
            translate=translate_with(lambda log_p: log_p.sum(0).argmax().expand(len(log_p))),
        ),
        "the least probable token": mistake(
            "Log probabilities are negative, and the best one is nearest to 0. Look at which end you take.",
            translate=translate_with(lambda log_p: log_p.argmin(-1)),
        ),
        "probabilities added up": mistake(
            "Probabilities are multiplied, so their logarithms are added. Look at what you add.",
            translate=translate_with(gain=torch.exp),
        ),
        "the probability": mistake(
            "The logarithm is asked for. Look at what you do with the sum.",
            translate=translate_with(score=lambda total, lengths: total.exp()),
        ),
        "the mean per token": mistake(
            "The sum over the tokens is asked for. Look at what you divide by.",
            translate=translate_with(score=lambda total, lengths: total / lengths),
        ),
        "the start in front": mistake(
            "Only new tokens are asked for. Look at the first column.",
            translate=lambda step, state, start, length, end: (
                torch.cat([start[:, None], (found := translate_by_the_book(step, state, start, length, end))[0][:, :-1]], 1),
                found[1],
            ),
        ),
    },
)
def translate(room: Room, rng: np.random.Generator) -> Parts:
    V, H, M, L = int(rng.integers(6, 10)), 3, 101, int(rng.integers(7, 10))
    end, first = rng.permutation(np.arange(1, V))[:2].tolist()
    mix, shift = (torch.from_numpy(rng.integers(1, M, size=shape)) for shape in ((H, H), H))

    def model(logits: Tensor) -> Callable:
        """A decoder whose state, H whole numbers below M for each sentence, remembers every token."""

        def step(state: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
            state = (state @ mix + (tokens[:, None] + 1) * shift) % M
            return logits.log_softmax(-1)[state.sum(1) % M], state

        return step

    def by_length(step: Callable) -> dict[int, Tensor]:
        """First states (n, H) by how many tokens come before the end; those that go on otherwise after it, if left to."""
        states = torch.from_numpy(rng.integers(1, M, size=(600, H)))
        start = torch.full((600,), first)
        found, free = (f(step, states, start, L, end)[0] for f in (translate_by_the_book, STAYING_AWAKE))
        words = (found != end).sum(1)
        awake = (free != found).any(1) | (words >= L - 1)
        return {n: states[awake & (words == n)] for n in range(L + 1)}

    def call(step: Callable, states: Tensor, length: int = L) -> object:
        return room.call("translate", step, states, torch.full((len(states),), first), length, end)

    states = {}
    while any(len(states.get(n, ())) < 2 for n in (0, 1, 2, 3, L)):
        logits = normal(rng, M, V) + 0.7 * torch.eye(V)[end]
        step = model(logits)
        states = by_length(step)
    mixed = torch.cat([states[n][:1] for n in (2, 0, L, 1, 3)] + [states[n][1:2] for n in (1, L)])
    yield "sentences that end at different steps", call(step, mixed[torch.from_numpy(rng.permutation(len(mixed)))])
    yield "all over before the limit", call(step, torch.cat([states[n][-1:] for n in (1, 0, 2)]))
    endless = model(logits - 30 * torch.eye(V)[end])
    yield "none ends", call(endless, mixed[:4])
    yield "the end at the last step", call(step, torch.cat([states[n][-2:] for n in (2, 0)]), 3)
    yield "a single sentence", call(step, states[1][:1])
    yield "one step", call(step, mixed, 1)


STAYING_AWAKE = translate_with(ends=lambda over, raw, end: raw == end)


# 07.6 The summary at every step


def decoder_step_by_parts(
    y: Tensor, z: Tensor, h: Tensor, W_z: Tensor, b_z: Tensor, W_p: Tensor, b_p: Tensor
) -> tuple[Tensor, Tensor]:
    y, z, h, W_z, b_z, W_p, b_p = (part.double() for part in (y, z, h, W_z, b_z, W_p, b_p))
    D, H = y.shape[1], z.shape[1]
    z = (y @ W_z[:D] + z @ W_z[D : D + H] + h @ W_z[D + H :] + b_z).tanh()
    logits = z @ W_p[:H] + y @ W_p[H : H + D] + h @ W_p[H + D :] + b_p
    return logits.softmax(-1).float(), z.float()


def step_with(
    state: Callable = lambda y, z, h: (y, z, h),
    readout: Callable = lambda y, z, h, before: (z, y, h),
    squash: Callable = torch.tanh,
    turn: Callable = lambda logits: logits.softmax(-1),
    returned: Callable = lambda p, z, before: (p, z),
) -> Callable:
    """Other rows side by side in the state or in the readout, other functions of their products, or another answer."""

    def decoder_step(y, z, h, W_z, b_z, W_p, b_p):
        after = squash(torch.cat(state(y, z, h), -1) @ W_z + b_z)
        return returned(turn(torch.cat(readout(y, after, h, z), -1) @ W_p + b_p), after, z)

    return decoder_step


@task(
    "07.6",
    oracle={"decoder_step": decoder_step_by_parts},
    may_use=("torch",),
    mistakes={
        "no summary in the state": mistake(
            "Change the summary: your state stays the same.",
            decoder_step=step_with(lambda y, z, h: (y, z, 0 * h)),
        ),
        "no summary for the word": mistake(
            "The state is right. The summary has a second way to the next word, past the state.",
            decoder_step=step_with(readout=lambda y, z, h, before: (z, y, 0 * h)),
        ),
        "the summary nowhere": mistake(
            "Change the summary: your answer stays the same. Count how often it stands in the two equations.",
            decoder_step=step_with(lambda y, z, h: (y, z, 0 * h), lambda y, z, h, before: (z, y, 0 * h)),
        ),
        "no word before for the next one": mistake(
            "The state is right. The word before has a second way to the next one, past the state.",
            decoder_step=step_with(readout=lambda y, z, h, before: (z, 0 * y, h)),
        ),
        "the state before for the word": mistake(
            "The state is right. Look at which state the next word is computed from: there is a newer one.",
            decoder_step=step_with(readout=lambda y, z, h, before: (before, y, h)),
        ),
        "the state before returned": mistake(
            "The probabilities are right. Look at the state that you return.",
            decoder_step=step_with(returned=lambda p, z, before: (p, before)),
        ),
        "the readout's order in the state": mistake(
            "Look at the order in the first bracket: which rows of the matrix belong to the word?",
            decoder_step=step_with(lambda y, z, h: (z, y, h)),
        ),
        "the state's order in the readout": mistake(
            "The state is right. Look at the order in the second bracket.",
            decoder_step=step_with(readout=lambda y, z, h, before: (y, z, h)),
        ),
        "the summary first": mistake(
            "Look at where the summary stands in each bracket.",
            decoder_step=step_with(lambda y, z, h: (h, y, z), lambda y, z, h, before: (h, z, y)),
        ),
        "no tanh": mistake(
            "Look at the size of your states: where in the equation does tanh stand?",
            decoder_step=step_with(squash=lambda a: a),
        ),
        "the logistic function": mistake(
            "All your states are positive. Look at what squashes them.",
            decoder_step=step_with(squash=torch.sigmoid),
        ),
        "logits": mistake(
            "Probabilities are asked for. Look at the sum of your rows.",
            decoder_step=step_with(turn=lambda logits: logits),
        ),
        "log probabilities": mistake(
            "Probabilities are asked for, not their logarithms.",
            decoder_step=step_with(turn=lambda logits: logits.log_softmax(-1)),
        ),
        "softmax over the batch": mistake(
            "Each row is a distribution of its own. Look at the axis of your softmax.",
            decoder_step=step_with(turn=lambda logits: logits.softmax(0)),
        ),
        "the biases left out": mistake(
            "Change a bias: your answer stays the same.",
            decoder_step=lambda y, z, h, W_z, b_z, W_p, b_p: decoder_step_by_parts(y, z, h, W_z, 0 * b_z, W_p, 0 * b_p),
        ),
        "overflow": mistake(
            "Look at what exp does to a large number. A row's softmax does not change when all its logits move together.",
            sign=not_finite,
        ),
    },
)
def decoder_step(room: Room, rng: np.random.Generator) -> Parts:
    B, D, H, C, V = sizes(rng, 5)

    def case(B: int, scale: float = 1.0) -> list[Tensor]:
        rows = [normal(rng, B, width) for width in (D, H, C)]
        width = D + H + C
        return [*rows, normal(rng, width, H) / 2, normal(rng, H) / 2, scale * normal(rng, width, V), scale * normal(rng, V)]

    yield "the probabilities and the new state", room.call("decoder_step", *case(B))
    y, z, h, W_z, b_z, W_p, b_p = case(B)
    W_z[D + H :], W_p[D + H :] = 0, 0
    yield "a summary that the weights do not let in", room.call("decoder_step", y, z, h, W_z, b_z, W_p, b_p)
    yield "large logits", room.call("decoder_step", *case(B, scale=200.0))
    yield "a single sentence", room.call("decoder_step", *case(1))


# 07.7 BLEU

Sentences = Sequence[Sequence[str]]


def bleu_by_sacrebleu(translations: Sentences, references: Sentences) -> float:
    """Without smoothing. `force` silences its warning that the text is tokenised: it is meant to be."""
    metric = BLEU(tokenize="none", smooth_method="none", force=True)
    return float(metric.corpus_score([" ".join(one) for one in translations], [[" ".join(one) for one in references]]).score)


def ngrams(sentence: Sequence[str], n: int) -> Counter:
    return Counter(tuple(sentence[i : i + n]) for i in range(len(sentence) - n + 1))


def clipped(found: Counter, true: Counter) -> int:
    return (found & true).total()


def geometric(precisions: Sequence[float]) -> float:
    return float(np.prod(precisions) ** (1 / len(precisions)))


def short(c: int, r: int) -> float:
    return float(np.exp(1 - r / c)) if c < r else 1.0


def bleu_with(
    matches: Callable = clipped,
    count: Callable = lambda found, true: found.total(),
    mean: Callable = geometric,
    penalty: Callable = short,
    longest: int = 4,
    units: Callable = lambda translations, references: (translations, references),
    scale: float = 100.0,
) -> Callable:
    """BLEU with a part exchanged; `units` cuts a corpus into other sentences."""

    def bleu(translations, references):
        translations, references = units(translations, references)
        precisions = []
        for n in range(1, longest + 1):
            pairs = [(ngrams(found, n), ngrams(true, n)) for found, true in zip(translations, references)]
            total = sum(count(*pair) for pair in pairs)
            precisions.append(sum(matches(*pair) for pair in pairs) / total if total else 0.0)
        c, r = sum(map(len, translations)), sum(map(len, references))
        return scale * penalty(c, r) * mean(precisions) if min(precisions) > 0 else 0.0

    return bleu


def negative_totals(translations: Sentences, references: Sentences) -> float:
    """The number of n-grams by length - n + 1, whatever the length."""
    precisions = []
    for n in range(1, 5):
        match = sum(clipped(ngrams(found, n), ngrams(true, n)) for found, true in zip(translations, references))
        if match == 0:
            return 0.0
        precisions.append(match / sum(len(found) - n + 1 for found in translations))
    return 100 * short(sum(map(len, translations)), sum(map(len, references))) * geometric(precisions)


def pooled(translations: Sentences, references: Sentences) -> float:
    """Clipped after the n-grams of all sentences have been added up."""
    precisions = []
    for n in range(1, 5):
        found, true = (sum((ngrams(one, n) for one in side), Counter()) for side in (translations, references))
        precisions.append(clipped(found, true) / max(1, found.total()))
    return (
        100 * short(sum(map(len, translations)), sum(map(len, references))) * geometric(precisions) if precisions[-1] else 0.0
    )


def mean_of_sentences(translations: Sentences, references: Sentences) -> float:
    return float(np.mean([bleu_with()([found], [true]) for found, true in zip(translations, references)]))


def penalty_of_each(translations: Sentences, references: Sentences) -> float:
    penalties = [short(len(found), len(true)) if found else 0.0 for found, true in zip(translations, references)]
    return float(np.mean(penalties)) * bleu_with(penalty=lambda c, r: 1.0)(translations, references)


def above_zero(got: object, wanted: object) -> bool:
    """A sign of smoothing: something where nothing was due."""
    return isinstance(got, (float, np.floating)) and wanted == 0 and got > 0


@task(
    "07.7",
    oracle={"bleu": bleu_by_sacrebleu},
    mistakes={
        "not clipped": mistake(
            "Look at a word that a translation says more often than its reference does: how many of them match?",
            bleu=bleu_with(lambda found, true: sum(times for ngram, times in found.items() if ngram in true)),
        ),
        "each n-gram counted once": mistake(
            "An n-gram that occurs twice on both sides matches twice. Look at what a set forgets.",
            bleu=bleu_with(lambda found, true: len(found.keys() & true.keys()), lambda found, true: len(found)),
        ),
        "clipped to one": mistake(
            "An n-gram that occurs twice on both sides matches twice. Look at how often yours may match.",
            bleu=bleu_with(lambda found, true: len(found.keys() & true.keys())),
        ),
        "clipped over the whole corpus": mistake(
            "A word matches in its own sentence only. Look at what you add up before you compare.",
            bleu=pooled,
        ),
        "n-grams across sentences": mistake(
            "No n-gram reaches from one sentence into the next. Look at what you cut into n-grams.",
            bleu=bleu_with(units=lambda translations, references: ([[*chain(*translations)]], [[*chain(*references)]])),
        ),
        "the arithmetic mean": mistake(
            "One bad precision pulls the score down further than your mean does. Look at how you put the four together.",
            bleu=bleu_with(mean=lambda precisions: float(np.mean(precisions))),
        ),
        "no root": mistake(
            "A product of four fractions is smaller than each of them. Look at the exponent.",
            bleu=bleu_with(mean=lambda precisions: float(np.prod(precisions))),
        ),
        "the mean of the sentences": mistake(
            "Counts are added up over the corpus first. Look at how many scores you compute.",
            bleu=mean_of_sentences,
        ),
        "the penalty of each sentence": mistake(
            "The lengths are added up over the corpus first. Look at how many penalties you compute.",
            bleu=penalty_of_each,
        ),
        "recall": mistake(
            "A precision asks how much of the translation is right. Look at whose n-grams stand below the line.",
            bleu=bleu_with(count=lambda found, true: true.total()),
        ),
        "no penalty": mistake(
            "Leave out half of each translation: your score does not mind. Look at what short ones have to pay.",
            bleu=bleu_with(penalty=lambda c, r: 1.0),
        ),
        "the long ones punished": mistake(
            "Your precisions are right. Look at which side has to be shorter to pay.",
            bleu=bleu_with(penalty=lambda c, r: short(r, c)),
        ),
        "the fraction in the penalty turned round": mistake(
            "A short translation scores more than its precisions, or hardly less. Look at the fraction in the exponent.",
            bleu=bleu_with(penalty=lambda c, r: float(np.exp(1 - c / r)) if c < r else 1.0),
        ),
        "a reward for length": mistake(
            "A translation that is longer than its reference gets no more than its precisions. Look at the two cases.",
            bleu=bleu_with(penalty=lambda c, r: float(np.exp(1 - r / c))),
        ),
        "the ratio of lengths for the penalty": mistake(
            "The penalty is an exponential. Look at what you multiply by.",
            bleu=bleu_with(penalty=lambda c, r: min(1.0, c / r)),
        ),
        "up to three words": mistake(
            "Count your precisions. Look at where your loop over n ends.",
            bleu=bleu_with(longest=3),
        ),
        "single words only": mistake(
            "Mix up the words of a translation: your score stays the same.",
            bleu=bleu_with(longest=1),
        ),
        "four words only": mistake(
            "All four precisions count. Look at what becomes of the first three.",
            bleu=bleu_with(mean=lambda precisions: precisions[-1]),
        ),
        "a fraction of 1": mistake(
            "The scale runs from 0 to 100.",
            bleu=bleu_with(scale=1.0),
        ),
        "short sentences with fewer than no n-grams": mistake(
            "A sentence of two words has no n-gram of four. Look at how many your formula gives it.",
            bleu=negative_totals,
        ),
        "smoothed": mistake(
            "Without a single match of some length the score is 0. Look at what keeps yours above it.",
            sign=above_zero,
        ),
    },
)
def bleu(room: Room, rng: np.random.Generator) -> Parts:
    pairs = [("the", "to"), ("cat", "cow"), ("dog", "den"), ("sat", "sees"), ("on", "of"), ("mat", "moon"), ("a", "as")]
    alike = {word: partner for pair in pairs for word, partner in (pair, pair[::-1])}  # with the same first letter
    words = np.array([*alike])

    def drawn(*lengths: int) -> list[list[str]]:
        return [words[rng.integers(len(words), size=length)].tolist() for length in lengths]

    def shortened(sentence: list[str]) -> list[str]:
        """Without its last three words, and with a wrong one before them."""
        return [*sentence[:-4], alike[sentence[-4]]]

    def mixed(sentence: list[str]) -> list[str]:
        """With its first two words behind all others."""
        return [*sentence[2:], sentence[1], sentence[0]]

    def stuttering(sentence: list[str]) -> list[str]:
        """With five words said twice."""
        return [*sentence[:7], *sentence[2:]]

    def corpus(*made: Callable) -> tuple[list[list[str]], list[list[str]]]:
        references = drawn(*rng.integers(10, 15, size=len(made)))
        return [make(true) for make, true in zip(made, references)], references

    yield "shorter than the references", room.call("bleu", *corpus(*4 * [shortened], stuttering, mixed, shortened))
    yield "longer than the references", room.call("bleu", *corpus(*5 * [stuttering], shortened, shortened))
    yield "one sentence", room.call("bleu", *corpus(stuttering))
    translations, references = corpus(stuttering, mixed, shortened, list)
    few = [["the", "cat"], ["on"], []]
    yield "translations of few words among them", room.call("bleu", translations + few, references + drawn(3, 2, 4))
    yield "nothing wrong", room.call("bleu", references, references)
    a, b, c = np.split(rng.permutation(words)[:9], 3)
    threes = [[*c, *b, *a]], [[*a, *b, *c]]
    yield "no four words match", 1.0 * room.call("bleu", *([[str(w) for w in one] for one in side] for side in threes))
    yield "too short for four words", 1.0 * room.call("bleu", drawn(3, 2, 3), drawn(4, 5, 3))
    yield "no words at all", 1.0 * room.call("bleu", [[], []], drawn(4, 5))
