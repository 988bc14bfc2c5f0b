"""Checks of chapter 01, recurrent networks. Axes: B sequences, T steps, D input width, H hidden width, V tokens, K windows."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils.grading.rooms import Room
from utils.grading.task import has_ceiling, mistake, not_finite, sizes, task

Parts = Iterator[tuple[str, object]]


def normal(rng: np.random.Generator, *shape: int) -> Tensor:
    """Normal numbers in PyTorch's default precision."""
    return torch.from_numpy(rng.normal(size=shape)).float()


# 01.1 A plain RNN over a batch


def rnn_by_torch(x: np.ndarray, h0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b: np.ndarray) -> np.ndarray:
    layer = nn.RNN(*W_xh.shape, batch_first=True, dtype=torch.float64)
    weights = {"weight_ih_l0": W_xh.T, "weight_hh_l0": W_hh.T, "bias_ih_l0": b, "bias_hh_l0": 0 * b}
    layer.load_state_dict({name: torch.from_numpy(np.ascontiguousarray(w)) for name, w in weights.items()})
    with torch.no_grad():
        return layer(torch.from_numpy(x), torch.from_numpy(h0)[None])[0].numpy()


def rnn_with(step: Callable) -> Callable:
    """An RNN whose next state is step(x_t, h, W_xh, W_hh, b)."""

    def run_rnn(x, h, W_xh, W_hh, b):
        states = []
        for x_t in x.swapaxes(0, 1):
            h = step(x_t, h, W_xh, W_hh, b)
            states.append(h)
        return np.stack(states, 1)

    return run_rnn


@task(
    "01.1",
    oracle={"run_rnn": rnn_by_torch},
    mistakes={
        "the start state ignored": mistake(
            "Change h0: your states stay the same. Look at where your loop starts.",
            run_rnn=lambda x, h0, *weights: rnn_by_torch(x, 0 * h0, *weights),
        ),
        "no state carried on": mistake(
            "Look at which state each step starts from. It should know everything read so far.",
            run_rnn=lambda x, h0, *weights: np.concatenate(
                [rnn_by_torch(x[:, [t]], h0, *weights) for t in range(x.shape[1])], 1
            ),
        ),
        "the recurrence left out": mistake(
            "Change W_hh: your states stay the same. Look at what the state contributes to the next one.",
            run_rnn=lambda x, h0, W_xh, W_hh, b: np.tanh(x @ W_xh + b),
        ),
        "W_hh transposed": mistake(
            "Rows are vectors here: look at the side on which the state stands in its product with W_hh.",
            run_rnn=lambda x, h0, W_xh, W_hh, b: rnn_by_torch(x, h0, W_xh, W_hh.T, b),
        ),
        "no bias": mistake(
            "Change b: your states stay the same.",
            run_rnn=lambda x, h0, W_xh, W_hh, b: rnn_by_torch(x, h0, W_xh, W_hh, 0 * b),
        ),
        "the bias added after tanh": mistake(
            "A state lies between -1 and 1. Look at what stands inside tanh.",
            run_rnn=rnn_with(lambda x_t, h, W_xh, W_hh, b: np.tanh(x_t @ W_xh + h @ W_hh) + b),
        ),
        "no tanh": mistake(
            "A state lies between -1 and 1. Do yours?",
            run_rnn=rnn_with(lambda x_t, h, W_xh, W_hh, b: x_t @ W_xh + h @ W_hh + b),
        ),
        "tanh of the input only": mistake(
            "A state lies between -1 and 1. Look at what is added to a tanh, and what should have been in it.",
            run_rnn=rnn_with(lambda x_t, h, W_xh, W_hh, b: np.tanh(x_t @ W_xh + b) + h @ W_hh),
        ),
        "read from right to left": mistake(
            "Change the last input: your first state changes. Look at the direction of your loop.",
            run_rnn=lambda x, *rest: rnn_by_torch(x[:, ::-1].copy(), *rest)[:, ::-1],
        ),
        "states one step late": mistake(
            "The state at step t has already read the input at step t. Look at when you keep it.",
            run_rnn=lambda x, h0, *weights: np.concatenate([h0[:, None], rnn_by_torch(x, h0, *weights)[:, :-1]], 1),
        ),
        "the last state at every step": mistake(
            "All your steps are one and the same array. Look at whether each step makes a new one.",
            run_rnn=lambda x, *rest: np.repeat(rnn_by_torch(x, *rest)[:, -1:], x.shape[1], 1),
        ),
    },
)
def run_rnn(room: Room, rng: np.random.Generator) -> Parts:
    B, T, D, H = sizes(rng, 4)

    def case(B: int, T: int, D: int, H: int) -> list[np.ndarray]:
        return [rng.normal(size=shape) / np.sqrt(H) for shape in ((B, T, D), (B, H), (D, H), (H, H), (H,))]

    yield "the states of every step", room.call("run_rnn", *case(B, T, D, H))
    yield "sequences of one step", room.call("run_rnn", *case(B, 1, D, H))
    yield "a batch of one, and wider", room.call("run_rnn", *case(1, T, D + 8, H + 8))


# 01.2 The last real state of a padded batch


def last_by_loop(states: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return np.array([row[length - 1] for row, length in zip(states, lengths)])


@task(
    "01.2",
    oracle={"last_states": last_by_loop},
    mistakes={
        "the last column, padding included": mistake(
            "Shorten a sequence: your answer stays the same. Look at where each row really ends.",
            last_states=lambda states, lengths: states[:, -1],
        ),
        "one step too far": mistake(
            "Steps are counted from 0. Look at the place of the last step of a sequence of length 1.",
            last_states=lambda states, lengths: last_by_loop(states, lengths + 1),
        ),
        "one step too early": mistake(
            "Look at the place of the last step of a sequence of length 1.",
            last_states=lambda states, lengths: last_by_loop(states, lengths - 1),
        ),
        "the longest length for every row": mistake(
            "Every row has its own length. Look at whether you take one column or one place a row.",
            last_states=lambda states, lengths: states[:, lengths.max() - 1],
        ),
        "the first length for every row": mistake(
            "Every row has its own length. Look at which entries of lengths you use.",
            last_states=lambda states, lengths: states[:, lengths[0] - 1],
        ),
        "the mean of the real states": mistake(
            "One state is asked for, not a summary of all of them.",
            last_states=lambda states, lengths: np.array([row[:length].mean(0) for row, length in zip(states, lengths)]),
        ),
        "the sum of the real states": mistake(
            "One state is asked for. If you use a mask, look at how many steps it lets through.",
            last_states=lambda states, lengths: np.array([row[:length].sum(0) for row, length in zip(states, lengths)]),
        ),
        "the mean over all steps": mistake(
            "One state is asked for, and what stands in the padding must not matter.",
            last_states=lambda states, lengths: states.mean(1),
        ),
        "the first state": mistake(
            "Your answer comes from the beginning of each sequence. Look at its end.",
            last_states=lambda states, lengths: states[:, 0],
        ),
        "lengths counted from the right": mistake(
            "The padding stands on the right. Look at which side you count from.",
            last_states=lambda states, lengths: np.array([row[-length] for row, length in zip(states, lengths)]),
        ),
    },
)
def last_states(room: Room, rng: np.random.Generator) -> Parts:
    B, H = sizes(rng, 2)
    T = 2 * B + 8  # longer than wide, so that even and uneven lengths all differ
    lengths = rng.choice(np.arange(3, T // 2), B, replace=False)
    if lengths[0] == lengths.max():
        lengths = lengths[::-1].copy()
    yield "each row's own last state", room.call("last_states", rng.normal(size=(B, T, H)), lengths)
    lengths[:2] = T, 1
    yield "a full row and a row of one step", room.call("last_states", rng.normal(size=(B, T, H)), lengths)
    yield "a batch of one, and wider", room.call("last_states", rng.normal(size=(1, T + 1, H + 8)), np.array([T - 1]))


# 01.3 Inputs and targets for truncated training


def windows_by_definition(ids: np.ndarray, batch: int, time: int) -> tuple[np.ndarray, np.ndarray]:
    length = (len(ids) - 1) // batch
    places = [[[b * length + k * time + t for t in range(time)] for b in range(batch)] for k in range(length // time)]
    return ids[places], ids[np.array(places) + 1]


def windows_with(targets: Callable) -> Callable:
    """Right inputs (K, B, T), and targets(ids, inputs, places), where ids[places] are the inputs."""

    def windows(ids, batch, time):
        places, _ = windows_by_definition(np.arange(len(ids)), batch, time)
        return ids[places], targets(ids, ids[places], places)

    return windows


def windows_in_reading_order(ids: np.ndarray, batch: int, time: int) -> tuple[np.ndarray, np.ndarray]:
    count = (len(ids) - 1) // batch // time
    cut = ids[: count * batch * time + 1]
    return cut[:-1].reshape(count, batch, time), cut[1:].reshape(count, batch, time)


def windows_interleaved(ids: np.ndarray, batch: int, time: int) -> tuple[np.ndarray, np.ndarray]:
    length = (len(ids) - 1) // batch
    count = length // time
    rows = np.arange(batch * length).reshape(length, batch).T[:, : count * time]
    places = rows.reshape(batch, count, time).swapaxes(0, 1)
    return ids[places], ids[places + 1]


def windows_without_rest(ids: np.ndarray, batch: int, time: int) -> tuple[np.ndarray, np.ndarray]:
    count = (len(ids) - 1) // (batch * time)
    return windows_by_definition(ids[: count * batch * time + 1], batch, time)


def windows_to_the_end(ids: np.ndarray, batch: int, time: int) -> tuple[np.ndarray, np.ndarray]:
    inputs, _ = windows_by_definition(np.append(ids, 0), batch, time)
    targets, _ = windows_by_definition(np.append(np.roll(ids, -1), 0), batch, time)
    return inputs, targets


@task(
    "01.3",
    oracle={"windows": windows_by_definition},
    mistakes={
        "targets are the inputs": mistake(
            "A target is what comes after its input. Compare the two on the worked example.",
            windows=windows_with(lambda ids, inputs, places: inputs),
        ),
        "targets are the token before": mistake(
            "Look at the direction of the shift: a model is to predict what comes next.",
            windows=windows_with(lambda ids, inputs, places: ids[places - 1]),
        ),
        "targets are two tokens ahead": mistake(
            "Look at how far ahead your targets are.",
            windows=windows_with(lambda ids, inputs, places: np.roll(ids, -2)[places]),
        ),
        "targets wrap round at the window's end": mistake(
            "Look at the last target of each window: which token follows that input in the text?",
            windows=windows_with(lambda ids, inputs, places: np.roll(inputs, -1, -1)),
        ),
        "windows in reading order": mistake(
            "Look at one row from window to window: it should go on where it stopped.",
            windows=windows_in_reading_order,
        ),
        "rows take every B-th token": mistake(
            "Read one row aloud: it should be a passage of the text as it stands.",
            windows=windows_interleaved,
        ),
        "the rest cut off before the rows": mistake(
            "Look at where the second row starts when the last window is not full: at length, which counts the rest.",
            windows=windows_without_rest,
        ),
        "the last token taken for an input": mistake(
            "The last token of the text has no target. Look at how long a row can be when batch divides N.",
            windows=windows_to_the_end,
        ),
    },
)
def windows(room: Room, rng: np.random.Generator) -> Parts:
    B, T, K = sizes(rng, 3)
    length = K * T + int(rng.integers(1, T))
    yield "rows that continue, targets one ahead", room.call("windows", rng.permutation(B * length + 1), B, T)
    yield "a text that batch divides", room.call("windows", rng.permutation(B * K * T), B, T)
    yield "a text that the windows fill", room.call("windows", rng.permutation(B * K * T + 1), B, T)
    yield "one row, windows of one step", room.call("windows", rng.permutation(length), 1, 1)


# 01.4 One step of an LSTM


def lstm_by_torch(x: Tensor, h: Tensor, c: Tensor, W_xh: Tensor, W_hh: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    cell = nn.LSTMCell(W_xh.shape[0], W_hh.shape[0])
    cell.load_state_dict({"weight_ih": W_xh.T, "weight_hh": W_hh.T, "bias_ih": b, "bias_hh": 0 * b})
    with torch.no_grad():
        return cell(x, (h, c))


def cell(i: Tensor, f: Tensor, g: Tensor, o: Tensor, c: Tensor, new=torch.tanh, out=torch.tanh) -> tuple[Tensor, Tensor]:
    """The next (h, c) from the four gates before squashing."""
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * new(g)
    return torch.sigmoid(o) * out(c), c


def lstm_with(cell: Callable, gates: Callable = lambda a: a.chunk(4, -1)) -> Callable:
    """An LSTM step with another cell, or with the gates cut otherwise from their sums (B, 4H)."""
    return lambda x, h, c, W_xh, W_hh, b: cell(*gates(x @ W_xh + h @ W_hh + b), c)


@task(
    "01.4",
    oracle={"lstm_step": lstm_by_torch},
    may_use=("torch",),
    not_use=("torch.nn.LSTMCell", "torch.nn.LSTM", "torch.lstm_cell", "torch.lstm"),
    mistakes={
        "g and o exchanged": mistake(
            "Look at which block of columns is which: the statement gives the order.",
            lstm_step=lstm_with(lambda i, f, g, o, c: cell(i, f, o, g, c)),
        ),
        "input and forget gates exchanged": mistake(
            "Look at which gate multiplies the old cell and which the new content.",
            lstm_step=lstm_with(lambda i, f, g, o, c: cell(f, i, g, o, c)),
        ),
        "gates interleaved": mistake(
            "Each gate is a block of H neighbouring columns. Look at how you split the 4H columns.",
            lstm_step=lstm_with(cell, gates=lambda a: a.unflatten(-1, (-1, 4)).unbind(-1)),
        ),
        "h and c exchanged": mistake(
            "Look at the order of the two states that you return.",
            lstm_step=lambda *args: lstm_by_torch(*args)[::-1],
        ),
        "no tanh on the way out": mistake(
            "A state h lies between -1 and 1. Look at what the output gate multiplies.",
            lstm_step=lstm_with(lambda *gates: cell(*gates, out=lambda c: c)),
        ),
        "the old cell read": mistake(
            "Look at which cell the output gate reads: the one before this step or the one after.",
            lstm_step=lstm_with(lambda i, f, g, o, c: (torch.sigmoid(o) * torch.tanh(c), cell(i, f, g, o, c)[1])),
        ),
        "a sigmoid for the new content": mistake(
            "New content can be negative. Look at how g is squashed.",
            lstm_step=lstm_with(lambda *gates: cell(*gates, new=torch.sigmoid)),
        ),
        "the forget gate turned round": mistake(
            "A forget gate of 1 keeps the old cell. Look at what yours does.",
            lstm_step=lstm_with(lambda i, f, g, o, c: cell(i, -f, g, o, c)),
        ),
        "the old state left out": mistake(
            "Change h: your answer stays the same.",
            lstm_step=lambda x, h, *rest: lstm_by_torch(x, 0 * h, *rest),
        ),
    },
)
def lstm_step(room: Room, rng: np.random.Generator) -> Parts:
    def case(B: int, D: int, H: int) -> list[Tensor]:
        return [normal(rng, *shape) for shape in ((B, D), (B, H), (B, H), (D, 4 * H), (H, 4 * H), (4 * H,))]

    B, D, H = sizes(rng, 3)
    yield "the next h and c", room.call("lstm_step", *case(B, D, H))
    yield "a batch of one, and wider", room.call("lstm_step", *case(1, D + 8, H + 8))


# 01.5 Clipping by the global norm


def clip_by_torch(gradients: list[np.ndarray], threshold: float) -> list[np.ndarray]:
    parameters = [nn.Parameter(torch.zeros(g.shape, dtype=torch.float64)) for g in gradients]
    for parameter, g in zip(parameters, gradients):
        parameter.grad = torch.tensor(g)
    nn.utils.clip_grad_norm_(parameters, threshold)
    return [parameter.grad.numpy() for parameter in parameters]


def clip_with(factor: Callable) -> Callable:
    """Every gradient times factor(all numbers in one row, threshold)."""
    return lambda gradients, threshold: [
        g * factor(np.concatenate([g.ravel() for g in gradients]), threshold) for g in gradients
    ]


@task(
    "01.5",
    oracle={"clip": clip_by_torch},
    mistakes={
        "each array clipped by its own norm": mistake(
            "All arrays together are one long gradient: its direction must not change. Look at how many norms you compute.",
            clip=lambda gradients, threshold: [clip_by_torch([g], threshold)[0] for g in gradients],
        ),
        "each number clipped": mistake(
            "Clipping must not turn the gradient's direction. Compare the ratio of two numbers before and after.",
            clip=lambda gradients, threshold: [np.clip(g, -threshold, threshold) for g in gradients],
        ),
        "short gradients stretched": mistake(
            "A gradient that is short enough stays as it is. Look at what you do when the norm is below the threshold.",
            clip=clip_with(lambda g, threshold: threshold / np.linalg.norm(g)),
        ),
        "scaled to norm 1": mistake(
            "Look at how long the gradient is after clipping, and how long it may be.",
            clip=clip_with(lambda g, threshold: 1 / np.linalg.norm(g) if np.linalg.norm(g) > threshold else 1.0),
        ),
        "norms added up": mistake(
            "The norm of two vectors side by side is not the sum of their norms. Look at what is added before the root.",
            clip=lambda gradients, threshold: [
                g * min(1.0, threshold / sum(map(np.linalg.norm, gradients))) for g in gradients
            ],
        ),
        "no square root": mistake(
            "Double a gradient: its norm doubles. Does what you divide by?",
            clip=clip_with(lambda g, threshold: min(1.0, threshold / (g @ g))),
        ),
        "the root of the mean of squares": mistake(
            "The norm grows with every number that joins. Look at whether you add up or average.",
            clip=clip_with(lambda g, threshold: min(1.0, threshold / np.sqrt(np.mean(g * g)))),
        ),
        "the largest number for the norm": mistake(
            "Every number counts in the norm. Look at what you compare with the threshold.",
            clip=clip_with(lambda g, threshold: min(1.0, threshold / np.abs(g).max())),
        ),
        "the sum of absolute values for the norm": mistake(
            "Look at which norm this is: a gradient (3, 4) has norm 5.",
            clip=clip_with(lambda g, threshold: min(1.0, threshold / np.abs(g).sum())),
        ),
    },
)
def clip(room: Room, rng: np.random.Generator) -> Parts:
    D, H = sizes(rng, 2)
    gradients = [5 * rng.normal(size=shape) for shape in ((D, H), (H, H + 1), (H,))]
    largest, norm = max(np.abs(g).max() for g in gradients), np.sqrt(sum((g * g).sum() for g in gradients))
    parts = [np.linalg.norm(g) for g in gradients]
    tight = 0.4 * np.sqrt(np.mean(np.concatenate([g.ravel() for g in gradients]) ** 2))
    yield "too long: the same direction, as long as the threshold", room.call("clip", gradients, tight)
    yield "each array short enough, all together too long", room.call("clip", gradients, (max(parts) + norm) / 2)
    yield "short enough: nothing changes", room.call("clip", gradients, 1.5 * norm)
    yield "a threshold between the largest number and the norm", room.call("clip", gradients[:1], (largest + norm) / 2)
    yield "all zeros", room.call("clip", [0 * g for g in gradients], tight)


# 01.6 Bits per character of a padded batch


def bits_by_torch(logits: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
    flat = torch.cat([row[:length] for row, length in zip(logits, lengths)])
    return F.cross_entropy(flat, torch.cat([row[:length] for row, length in zip(targets, lengths)])) / np.log(2)


def bits_with(read: Callable) -> Callable:
    """read(bits (B, T) of every place, keep (B, T), true where a place is real)."""

    def bits_per_character(logits, targets, lengths):
        bits = F.cross_entropy(logits.swapaxes(1, 2), targets, reduction="none") / np.log(2)
        return read(bits, torch.arange(targets.shape[1]) < lengths[:, None])

    return bits_per_character


@task(
    "01.6",
    oracle={"bits_per_character": bits_by_torch},
    may_use=("torch",),
    mistakes={
        "padding counted": mistake(
            "Change a logit in the padding: your answer changes. Look at which places enter.",
            bits_per_character=bits_with(lambda bits, keep: bits.mean()),
        ),
        "divided by the number of all places": mistake(
            "You add up the right places. Look at how many of them you divide by.",
            bits_per_character=bits_with(lambda bits, keep: (bits * keep).mean()),
        ),
        "divided by the number of sequences": mistake(
            "The answer is asked for per character. Look at what you divide by.",
            bits_per_character=bits_with(lambda bits, keep: (bits * keep).sum() / len(bits)),
        ),
        "not divided at all": mistake(
            "The answer is asked for per character: a text twice as long should not cost more of them.",
            bits_per_character=bits_with(lambda bits, keep: bits[keep].sum()),
        ),
        "the mean of each sequence's mean": mistake(
            "Every character counts the same, in a short sequence or in a long one. Look at the order of your means.",
            bits_per_character=bits_with(lambda bits, keep: ((bits * keep).sum(1) / keep.sum(1)).mean()),
        ),
        "nats instead of bits": mistake(
            "Look at the base of your logarithm.",
            bits_per_character=lambda *args: bits_by_torch(*args) * np.log(2),
        ),
        "one place too many": mistake(
            "Look at the first place of the padding. Steps are counted from 0.",
            bits_per_character=lambda logits, targets, lengths: bits_by_torch(logits, targets, lengths + 1),
        ),
        "one place too few": mistake(
            "Look at the last real character of a sequence: does it count?",
            bits_per_character=lambda logits, targets, lengths: bits_by_torch(logits, targets, lengths - 1),
        ),
        "id 0 taken for padding": mistake(
            "Token 0 can be a real character. Look at what tells padding from text.",
            bits_per_character=lambda logits, targets, lengths: (
                F.cross_entropy(logits.swapaxes(1, 2), targets, ignore_index=0) / np.log(2)
            ),
        ),
        "targets shifted once more": mistake(
            "The targets are already one ahead of the inputs. Look at which logits meet which target.",
            bits_per_character=lambda logits, targets, lengths: bits_by_torch(logits[:, :-1], targets[:, 1:], lengths - 1),
        ),
        "a small number added inside the logarithm": mistake(
            "Your answer has a ceiling: no character can cost more than a few dozen bits. Look at what sets it.",
            sign=has_ceiling,
        ),
        "overflow": mistake(
            "Look at what exp does to large logits, and the logarithm to a probability of zero.",
            sign=not_finite,
        ),
    },
)
def bits_per_character(room: Room, rng: np.random.Generator) -> Parts:
    B, V = sizes(rng, 2)
    T = B + 4
    lengths = torch.from_numpy(rng.choice(np.arange(2, T), B, replace=False))
    logits, targets = 2 * normal(rng, B, T, V), torch.from_numpy(rng.integers(V, size=(B, T)))
    targets[:, 0] = 0  # a real character
    padded = targets * (torch.arange(T) < lengths[:, None])
    yield "the mean over the real characters, in bits", room.call("bits_per_character", logits, padded, lengths)
    yield "padding may hold any token", room.call("bits_per_character", logits, targets, lengths)
    yield "large logits stay finite", room.call("bits_per_character", 1000 * logits, padded, lengths)
    slope = room.grad("bits_per_character", (logits, padded, lengths), 0, torch.tensor(1.0))
    yield "the gradient, none of it in the padding", slope
    yield "no padding at all", room.call("bits_per_character", logits, targets, torch.full((B,), T))
    yield "a batch of one", room.call("bits_per_character", logits[:1], targets[:1], lengths[:1])


# 01.7 Generating text


def generate_by_loop(step: Callable, state: object, token: int, count: int) -> list[int]:
    tokens = [token]
    while len(tokens) <= count:
        logits, state = step(state, tokens[-1])
        tokens.append(int(np.flatnonzero(logits == max(logits))[0]))
    return tokens[1:]


def generate_with(advance: Callable, best: Callable = np.argmax) -> Callable:
    """Generation where logits, state = advance(step, state, token, place, first state, first token)."""

    def generate(step, state, token, count):
        first, tokens = (state, token), []
        for place in range(count):
            logits, state = advance(step, state, token, place, *first)
            token = int(best(logits))
            tokens.append(token)
        return tokens

    return generate


def twice(step: Callable, state: object, token: int, *rest: object) -> tuple[np.ndarray, object]:
    logits, state = step(state, token)
    return logits, step(state, int(np.argmax(logits)))[1]


@task(
    "01.7",
    oracle={"generate": generate_by_loop},
    mistakes={
        "the state not carried on": mistake(
            "Look at the state that each call of step gets. It should know every token so far.",
            generate=generate_with(lambda step, state, token, place, first, start: step(first, token)),
        ),
        "the first token at every step": mistake(
            "Look at the token that each call of step gets: the model should read what it wrote.",
            generate=generate_with(lambda step, state, token, place, first, start: step(state, start)),
        ),
        "each token read twice": mistake(
            "Count how often step is called for one new token. Each call moves the state on.",
            generate=generate_with(twice),
        ),
        "the place in place of the token": mistake(
            "step reads a token, not a position. Look at what you give it.",
            generate=generate_with(lambda step, state, token, place, first, start: step(state, place)),
        ),
        "the first token in the answer": mistake(
            "Only new tokens are asked for. Look at the first one in your list.",
            generate=lambda step, state, token, count: [token, *generate_by_loop(step, state, token, count)][:count],
        ),
        "the least likely token": mistake(
            "Look at which logit you pick: the largest belongs to the most likely token.",
            generate=generate_with(lambda step, state, token, *rest: step(state, token), best=np.argmin),
        ),
        "the largest in size, whatever its sign": mistake(
            "A very negative logit is an unlikely token. Look at how you compare logits.",
            generate=generate_with(lambda step, state, token, *rest: step(state, token), best=lambda x: np.argmax(np.abs(x))),
        ),
        "the answer turned round": mistake(
            "Look at the order of your list: the first new token comes first.",
            generate=lambda *args: generate_by_loop(*args)[::-1],
        ),
    },
)
def generate(room: Room, rng: np.random.Generator) -> Parts:
    H, V, M = 3, 23, 101  # the state is H whole numbers below M that remember every token read
    mix, shift, table = rng.integers(1, M, size=(H, H)), rng.integers(1, M, size=H), rng.normal(size=(M, V))

    def step(state: np.ndarray, token: int) -> tuple[np.ndarray, np.ndarray]:
        state = (state @ mix + (int(token) + 1) * shift) % M
        return table[state.sum() % M], state

    state = rng.integers(1, M, size=H)
    yield "the most likely token, step by step", room.call("generate", step, state, int(rng.integers(V)), 12)
    yield "one token", room.call("generate", step, state + 1, int(rng.integers(V)), 1)


# 01.8 Backpropagation through time


def bptt_by_autograd(states: np.ndarray, h0: np.ndarray, W_hh: np.ndarray, d_states: np.ndarray) -> np.ndarray:
    before = np.concatenate([h0[:, None], states[:, :-1]], 1)
    from_input = torch.from_numpy(np.arctanh(states) - before @ W_hh)
    W, h, loss = torch.from_numpy(W_hh).requires_grad_(), torch.from_numpy(h0), 0
    for t in range(states.shape[1]):
        h = torch.tanh(from_input[:, t] + h @ W)
        loss = loss + (h * torch.from_numpy(d_states[:, t])).sum()
    return torch.autograd.grad(loss, W)[0].numpy()


def bptt_with(slope=lambda h: 1 - h**2, back=lambda d_h, d_sum, W: d_sum @ W.T, read=lambda before, h: before) -> Callable:
    """Backpropagation through time with another slope of tanh, another way back, or another state in the product."""

    def bptt(states, h0, W_hh, d_states):
        gradient, arriving = np.zeros_like(W_hh), np.zeros_like(h0)
        for t in reversed(range(states.shape[1])):
            h, before = states[:, t], states[:, t - 1] if t else h0
            d_h = arriving + d_states[:, t]
            d_sum = d_h * slope(h)
            gradient += read(before, h).T @ d_sum
            arriving = back(d_h, d_sum, W_hh)
        return gradient

    return bptt


@task(
    "01.8",
    oracle={"bptt": bptt_by_autograd},
    mistakes={
        "nothing carried back through time": mistake(
            "A state also matters through all states after it. Look at what reaches step t from step t + 1.",
            bptt=bptt_with(back=lambda d_h, d_sum, W: 0 * d_h),
        ),
        "the slope of tanh left out": mistake(
            "Between a state and the sum inside tanh lies tanh itself. Look at its derivative.",
            bptt=bptt_with(slope=lambda h: 1),
        ),
        "the slope of tanh without the square": mistake(
            "Look at the derivative of tanh, written with its value h. What is it at h = -1?",
            bptt=bptt_with(slope=lambda h: 1 - h),
        ),
        "tanh taken once more": mistake(
            "The states are already values of tanh. Look at what you square.",
            bptt=bptt_with(slope=lambda h: 1 - np.tanh(h) ** 2),
        ),
        "W_hh not transposed on the way back": mistake(
            "Forward, a state is multiplied by W_hh from the left. Look at what that makes of the way back.",
            bptt=bptt_with(back=lambda d_h, d_sum, W: d_sum @ W),
        ),
        "the state after the step in the product": mistake(
            "Look at which state W_hh was multiplied with at step t.",
            bptt=bptt_with(read=lambda before, h: h),
        ),
        "the gradient transposed": mistake(
            "Row i, column j of your answer belongs to row i, column j of W_hh. Look at the two sides of your outer product.",
            bptt=lambda *args: bptt_by_autograd(*args).T,
        ),
        "the last loss only": mistake(
            "Every step has a loss of its own. Look at where d_states enters your loop.",
            bptt=lambda states, h0, W_hh, d_states: bptt_by_autograd(
                states, h0, W_hh, d_states * (np.arange(states.shape[1]) == states.shape[1] - 1)[:, None]
            ),
        ),
        "the mean over the batch": mistake(
            "The losses of all sequences are added up. Look at whether you average.",
            bptt=lambda states, *rest: bptt_by_autograd(states, *rest) / len(states),
        ),
        "the start state left out": mistake(
            "Look at the first step: which state did it read?",
            bptt=lambda states, h0, W_hh, d_states: bptt_with()(states, 0 * h0, W_hh, d_states),
        ),
        "the slope left out on the way back": mistake(
            "Look at what goes from step t to step t - 1: the gradient of the sum inside tanh, not of the state.",
            bptt=bptt_with(back=lambda d_h, d_sum, W: d_h @ W.T),
        ),
    },
)
def bptt(room: Room, rng: np.random.Generator) -> Parts:
    def case(B: int, T: int, H: int) -> tuple[np.ndarray, ...]:
        h0, W_hh = np.tanh(rng.normal(size=(B, H))), rng.normal(size=(H, H)) / np.sqrt(H)
        states, h = [], h0
        for _ in range(T):
            h = np.tanh(rng.normal(size=(B, H)) + h @ W_hh)
            states.append(h)
        return np.stack(states, 1), h0, W_hh, rng.normal(size=(B, T, H))

    B, T, H = sizes(rng, 3)
    yield "the gradient of all losses", room.call("bptt", *case(B, T, H))
    yield "sequences of one step", room.call("bptt", *case(B, 1, H))
    yield "a batch of one, longer and wider", room.call("bptt", *case(1, T + 8, H + 8))
