"""Answers to the tasks of chapter 01."""

from answers import changed, written

RUN_RNN = """
def run_rnn(x, h0, W_xh, W_hh, b):
    B, T, D = x.shape
    states = np.zeros((B, T, W_hh.shape[0]))
    for n in range(B):
        h = h0[n]
        for t in range(T):
            h = np.tanh(x[n, t] @ W_xh + h @ W_hh + b)
            states[n, t] = h
    return states
"""
LISTED = """
def run_rnn(x, h0, W_xh, W_hh, b):
    h = h0.copy()
    states = []
    for t in range(x.shape[1]):
        h = np.tanh(np.dot(x[:, t], W_xh) + np.dot(h, W_hh) + b)
        states.append(h)
    return np.stack(states, axis=1)
"""
LAST = """
def last_states(states, lengths):
    result = []
    for n in range(len(lengths)):
        result.append(states[n, lengths[n] - 1])
    return np.stack(result)
"""
INDEXED = """
def last_states(states, lengths):
    return states[np.arange(len(states)), lengths - 1]
"""
MASKED = """
def last_states(states, lengths):
    mask = np.arange(states.shape[1])[None, :] == lengths[:, None] - 1
    return (states * mask[:, :, None]).sum(axis=1)
"""
WINDOWS = """
def windows(ids, batch, time):
    length = (len(ids) - 1) // batch
    count = length // time
    x = ids[: batch * length].reshape(batch, length)
    y = ids[1 : batch * length + 1].reshape(batch, length)
    inputs = np.stack([x[:, k * time : (k + 1) * time] for k in range(count)])
    targets = np.stack([y[:, k * time : (k + 1) * time] for k in range(count)])
    return inputs, targets
"""
LSTM = """
def lstm_step(x, h, c, W_xh, W_hh, b):
    H = h.shape[1]
    a = torch.cat([x, h], 1) @ torch.cat([W_xh, W_hh], 0) + b
    i = torch.sigmoid(a[:, :H])
    f = torch.sigmoid(a[:, H : 2 * H])
    g = torch.tanh(a[:, 2 * H : 3 * H])
    o = torch.sigmoid(a[:, 3 * H :])
    c_new = f * c + i * g
    h_new = o * torch.tanh(c_new)
    return h_new, c_new
"""
CLIP = """
def clip(gradients, threshold):
    total = 0.0
    for g in gradients:
        total += np.sum(g**2)
    norm = np.sqrt(total)
    if norm <= threshold:
        return list(gradients)
    return [g * threshold / norm for g in gradients]
"""
SHORT_CLIP = """
def clip(gradients, threshold):
    norm = np.linalg.norm(np.concatenate([g.flatten() for g in gradients]))
    return [g * min(1.0, threshold / (norm + 1e-6)) for g in gradients]
"""
BITS = """
def bits_per_character(logits, targets, lengths):
    log_p = torch.log_softmax(logits, dim=-1)
    picked = log_p.gather(2, targets.unsqueeze(2)).squeeze(2)
    T = targets.shape[1]
    mask = (torch.arange(T).unsqueeze(0) < lengths.unsqueeze(1)).float()
    return -(picked * mask).sum() / mask.sum() / np.log(2)
"""
NAIVE_BITS = """
def bits_per_character(logits, targets, lengths):
    total, count = 0, 0
    for n in range(len(targets)):
        for t in range(lengths[n]):
            p = torch.exp(logits[n, t]) / torch.exp(logits[n, t]).sum()
            total = total - torch.log2(p[targets[n, t]])
            count = count + 1
    return total / count
"""
GENERATE = """
def generate(step, state, token, count):
    tokens = []
    for k in range(count):
        logits, state = step(state, token)
        token = int(np.argmax(logits))
        tokens.append(token)
    return tokens
"""
BPTT = """
def bptt(states, h0, W_hh, d_states):
    B, T, H = states.shape
    dW = np.zeros((H, H))
    dh = np.zeros((B, H))
    for t in range(T - 1, -1, -1):
        h = states[:, t]
        h_prev = states[:, t - 1] if t > 0 else h0
        dh = dh + d_states[:, t]
        da = dh * (1 - h * h)
        dW += h_prev.T @ da
        dh = da @ W_hh.T
    return dW
"""

RIGHT = {
    "01.1": [
        written(RUN_RNN),
        written(LISTED),
        written("""
def run_rnn(x, h0, W_xh, W_hh, b):
    from_x = np.einsum("btd,dh->bth", x.astype(np.float32), W_xh.astype(np.float32)) + b.astype(np.float32)
    states = from_x
    for t in range(x.shape[1]):
        states[:, t] = np.tanh(states[:, t] + (states[:, t - 1] if t else h0) @ W_hh)
    return states
"""),
    ],
    "01.2": [
        written(LAST),
        written(INDEXED),
        written(MASKED),
        written("def last_states(s, lengths): return np.take_along_axis(s, lengths[:, None, None] - 1, axis=1)[:, 0]"),
    ],
    "01.3": [
        written(WINDOWS),
        written("""
def windows(ids, batch, time):
    length = (len(ids) - 1) // batch
    starts = np.arange(batch) * length
    places = np.arange(length // time)[:, None, None] * time + starts[None, :, None] + np.arange(time)
    return ids[places], ids[places + 1]
"""),
        written("""
def windows(ids, batch, time):
    length = (len(ids) - 1) // batch
    inputs, targets = [], []
    for start in range(0, length - time + 1, time):
        rows = [ids[b * length + start : b * length + start + time + 1] for b in range(batch)]
        inputs.append([row[:-1] for row in rows])
        targets.append([row[1:] for row in rows])
    return [np.array(inputs, dtype=np.int32), np.array(targets)]
"""),
    ],
    "01.4": [
        written(LSTM),
        written("""
def lstm_step(x, h, c, W_xh, W_hh, b):
    i, f, g, o = torch.split(torch.addmm(b, x, W_xh) + torch.mm(h, W_hh), h.shape[-1], dim=-1)
    c = c * f.sigmoid() + (i.sigmoid() * g.tanh())
    return c.tanh() * o.sigmoid(), c
"""),
    ],
    "01.5": [
        written(CLIP),
        written(SHORT_CLIP),
        written("""
def clip(gradients, threshold):
    norm = np.sqrt(sum(np.vdot(g, g) for g in gradients))
    if norm > threshold:
        for g in gradients:
            g *= threshold / norm
    return gradients
"""),
    ],
    "01.6": [
        written(BITS),
        written("""
def bits_per_character(logits, targets, lengths):
    targets = targets.clone()
    for n, length in enumerate(lengths):
        targets[n, length:] = -100
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()) / torch.log(torch.tensor(2.0))
"""),
        written("""
def bits_per_character(logits, targets, lengths):
    losses = []
    for n in range(len(targets)):
        for t in range(lengths[n]):
            losses.append(torch.logsumexp(logits[n, t], 0) - logits[n, t, targets[n, t]])
    return torch.stack(losses).mean() * 1.4426950408889634
"""),
    ],
    "01.7": [
        written(GENERATE),
        written("""
def generate(step, state, token, count):
    if count == 0:
        return []
    logits, state = step(state, token)
    best = max(range(len(logits)), key=lambda v: logits[v])
    return [best] + generate(step, state, best, count - 1)
"""),
    ],
    "01.8": [
        written(BPTT),
        written("""
def bptt(states, h0, W_hh, d_states):
    B, T, H = states.shape
    gradient = np.zeros_like(W_hh)
    for n in range(B):
        before = [h0[n], *states[n]]
        for s in range(T):
            delta = d_states[n, s] * (1 - states[n, s] ** 2)
            for t in range(s, -1, -1):
                gradient += np.outer(before[t], delta)
                delta = (1 - before[t] ** 2) * (W_hh @ delta)
    return gradient
"""),
    ],
}
WRONG = {
    "01.1": {
        "the start state ignored": changed(LISTED, ("h0.copy()", "np.zeros_like(h0)")),
        "no state carried on": changed(LISTED, ("np.dot(h, W_hh)", "np.dot(h0, W_hh)")),
        "the recurrence left out": changed(RUN_RNN, (" + h @ W_hh", "")),
        "W_hh transposed": changed(RUN_RNN, ("h @ W_hh", "W_hh @ h")),
        "no bias": changed(RUN_RNN, (" + b)", ")")),
        "the bias added after tanh": changed(LISTED, (" + b)", ") + b")),
        "no tanh": changed(LISTED, ("np.tanh", "")),
        "tanh of the input only": changed(
            RUN_RNN, ("np.tanh(x[n, t] @ W_xh + h @ W_hh + b)", "np.tanh(x[n, t] @ W_xh + b) + h @ W_hh")
        ),
        "read from right to left": changed(RUN_RNN, ("range(T)", "reversed(range(T))")),
        "states one step late": changed(
            RUN_RNN,
            ("            states[n, t] = h\n", ""),
            ("            h = np", "            states[n, t] = h\n            h = np"),
        ),
        "the last state at every step": changed(LISTED, ("h = np.tanh", "h[:] = np.tanh")),
    },
    "01.2": {
        "the last column, padding included": written("def last_states(states, lengths): return states[:, -1, :]"),
        "one step too far": changed(INDEXED, ("lengths - 1", "lengths")),
        "one step too early": changed(LAST, ("- 1", "- 2")),
        "the longest length for every row": changed(LAST, ("lengths[n]", "max(lengths)")),
        "the first length for every row": changed(LAST, ("lengths[n]", "lengths[0]")),
        "the mean of the real states": changed(LAST, ("states[n, lengths[n] - 1]", "states[n, :lengths[n]].mean(axis=0)")),
        "the sum of the real states": changed(MASKED, ("== lengths[:, None] - 1", "< lengths[:, None]")),
        "the mean over all steps": written("def last_states(states, lengths): return np.mean(states, axis=1)"),
        "the first state": changed(LAST, ("lengths[n] - 1", "0")),
        "lengths counted from the right": changed(LAST, ("lengths[n] - 1", "-lengths[n]")),
    },
    "01.3": {
        "targets are the inputs": changed(WINDOWS, ("y = ids[1 : batch * length + 1]", "y = ids[: batch * length]")),
        "targets are the token before": changed(
            WINDOWS, ("y = ids[1 : batch * length + 1]", "y = np.roll(ids, 1)[: batch * length]")
        ),
        "targets are two tokens ahead": changed(
            WINDOWS, ("ids[1 : batch * length + 1]", "np.append(ids, ids[0])[2 : batch * length + 2]")
        ),
        "targets wrap round at the window's end": changed(
            WINDOWS, ("return inputs, targets", "return inputs, np.roll(inputs, -1, axis=2)")
        ),
        "windows in reading order": written("""
def windows(ids, batch, time):
    size = batch * time
    count = (len(ids) - 1) // size
    inputs = [ids[k * size : (k + 1) * size].reshape(batch, time) for k in range(count)]
    targets = [ids[k * size + 1 : (k + 1) * size + 1].reshape(batch, time) for k in range(count)]
    return np.array(inputs), np.array(targets)
"""),
        "rows take every B-th token": changed(WINDOWS, ("reshape(batch, length)", "reshape(length, batch).T")),
        "the rest cut off before the rows": changed(
            WINDOWS, ("count = length // time", "count = length // time\n    length = count * time")
        ),
        "the last token taken for an input": changed(
            WINDOWS,
            ("(len(ids) - 1) // batch", "len(ids) // batch"),
            ("y = ids[1 : batch * length + 1]", "y = np.append(ids[1:], ids[0])[: batch * length]"),
        ),
    },
    "01.4": {
        "g and o exchanged": changed(
            LSTM, ("a[:, 2 * H : 3 * H]", "G"), ("a[:, 3 * H :]", "a[:, 2 * H : 3 * H]"), ("G", "a[:, 3 * H :]")
        ),
        "input and forget gates exchanged": changed(LSTM, ("c_new = f * c + i * g", "c_new = i * c + f * g")),
        "gates interleaved": changed(
            LSTM,
            ("[:, :H]", "[:, 0::4]"),
            ("[:, H : 2 * H]", "[:, 1::4]"),
            ("[:, 2 * H : 3 * H]", "[:, 2::4]"),
            ("[:, 3 * H :]", "[:, 3::4]"),
        ),
        "h and c exchanged": changed(LSTM, ("return h_new, c_new", "return c_new, h_new")),
        "no tanh on the way out": changed(LSTM, ("o * torch.tanh(c_new)", "o * c_new")),
        "the old cell read": changed(LSTM, ("torch.tanh(c_new)", "torch.tanh(c)")),
        "a sigmoid for the new content": changed(LSTM, ("g = torch.tanh", "g = torch.sigmoid")),
        "the forget gate turned round": changed(LSTM, ("f * c", "(1 - f) * c")),
        "the old state left out": changed(LSTM, ("torch.cat([x, h], 1) @ torch.cat([W_xh, W_hh], 0)", "x @ W_xh")),
    },
    "01.5": {
        "each array clipped by its own norm": written("""
def clip(gradients, threshold):
    clipped = []
    for g in gradients:
        norm = np.sqrt((g**2).sum())
        clipped.append(g * threshold / norm if norm > threshold else g)
    return clipped
"""),
        "each number clipped": written(
            "def clip(gradients, threshold): return [np.minimum(np.maximum(g, -threshold), threshold) for g in gradients]"
        ),
        "short gradients stretched": changed(SHORT_CLIP, ("min(1.0, threshold / (norm + 1e-6))", "threshold / (norm + 1e-6)")),
        "scaled to norm 1": changed(CLIP, ("g * threshold / norm", "g / norm")),
        "norms added up": changed(CLIP, ("np.sum(g**2)", "np.sqrt(np.sum(g**2))"), ("norm = np.sqrt(total)", "norm = total")),
        "no square root": changed(CLIP, ("np.sqrt(total)", "total")),
        "the root of the mean of squares": changed(
            CLIP, ("norm = np.sqrt(total)", "norm = np.sqrt(total / sum(g.size for g in gradients))")
        ),
        "the largest number for the norm": changed(CLIP, ("total += np.sum(g**2)", "total = max(total, np.max(g**2))")),
        "the sum of absolute values for the norm": changed(
            SHORT_CLIP, ("[g.flatten() for g in gradients])", "[g.flatten() for g in gradients]), ord=1")
        ),
    },
    "01.6": {
        "padding counted": changed(BITS, ("picked * mask", "picked"), ("mask.sum()", "mask.numel()")),
        "divided by the number of all places": changed(
            BITS, ("-(picked * mask).sum() / mask.sum()", "-(picked * mask).mean()")
        ),
        "divided by the number of sequences": changed(BITS, ("/ mask.sum()", "/ len(targets)")),
        "not divided at all": changed(BITS, ("/ mask.sum() ", "")),
        "the mean of each sequence's mean": changed(
            BITS, ("-(picked * mask).sum() / mask.sum()", "-((picked * mask).sum(1) / lengths).mean()")
        ),
        "nats instead of bits": changed(BITS, (" / np.log(2)", "")),
        "one place too many": changed(BITS, (" < lengths", " <= lengths")),
        "one place too few": changed(BITS, (" < lengths", " + 1 < lengths")),
        "id 0 taken for padding": changed(
            BITS, ("mask = (torch.arange(T).unsqueeze(0) < lengths.unsqueeze(1)).float()", "mask = (targets != 0).float()")
        ),
        "targets shifted once more": changed(
            BITS,
            ("    log_p", "    logits, targets, lengths = logits[:, :-1], targets[:, 1:], lengths - 1\n    log_p"),
        ),
        "a small number added inside the logarithm": changed(
            NAIVE_BITS, ("torch.exp(logits[n, t]) / torch.exp(logits[n, t]).sum()", "torch.softmax(logits[n, t], 0) + 1e-9")
        ),
        "overflow": written(NAIVE_BITS),
    },
    "01.7": {
        "the state not carried on": changed(GENERATE, ("logits, state =", "logits, _ =")),
        "the first token at every step": changed(
            GENERATE, ("        token = int", "        new = int"), ("append(token)", "append(new)")
        ),
        "each token read twice": changed(
            GENERATE, ("logits, state =", "logits, _ ="), ("append(token)", "append(token)\n        _, state = step(_, token)")
        ),
        "the place in place of the token": changed(GENERATE, ("step(state, token)", "step(state, k)")),
        "the first token in the answer": changed(
            GENERATE, ("tokens = []", "tokens = [token]"), ("range(count)", "range(count - 1)")
        ),
        "the least likely token": changed(GENERATE, ("argmax", "argmin")),
        "the largest in size, whatever its sign": changed(GENERATE, ("np.argmax(logits)", "np.argmax(logits**2)")),
        "the answer turned round": changed(GENERATE, ("tokens.append(token)", "tokens.insert(0, token)")),
    },
    "01.8": {
        "nothing carried back through time": changed(BPTT, ("dh = dh + d_states[:, t]", "dh = d_states[:, t]")),
        "the slope of tanh left out": changed(BPTT, (" * (1 - h * h)", "")),
        "the slope of tanh without the square": changed(BPTT, ("(1 - h * h)", "(1 - h)")),
        "tanh taken once more": changed(BPTT, ("(1 - h * h)", "(1 - np.tanh(h) ** 2)")),
        "W_hh not transposed on the way back": changed(BPTT, ("W_hh.T", "W_hh")),
        "the state after the step in the product": changed(BPTT, ("h_prev.T @ da", "h.T @ da")),
        "the gradient transposed": changed(BPTT, ("h_prev.T @ da", "da.T @ h_prev")),
        "the last loss only": changed(
            BPTT, ("dh = np.zeros((B, H))", "dh = d_states[:, -1]"), ("        dh = dh + d_states[:, t]\n", "")
        ),
        "the mean over the batch": changed(BPTT, ("return dW", "return dW / B")),
        "the start state left out": changed(BPTT, ("range(T - 1, -1, -1)", "range(T - 1, 0, -1)")),
        "the slope left out on the way back": changed(BPTT, ("dh = da @ W_hh.T", "dh = dh @ W_hh.T")),
    },
}

SLOPPY = {  # no misconception of the list, but wrong
    "01.1": {
        "the start state repeated": written("def run_rnn(x, h0, W_xh, W_hh, b): return np.repeat(h0[:, None], x.shape[1], 1)"),
        "time first": changed(LISTED, ("np.stack(states, axis=1)", "np.stack(states)")),
        "the last state only": changed(LISTED, ("np.stack(states, axis=1)", "h")),
        "a start state in front": changed(LISTED, ("states = []", "states = [h]")),
        "the last step left out": changed(RUN_RNN, ("range(T)", "range(T - 1)")),
        "the first step left out": changed(RUN_RNN, ("range(T)", "range(1, T)")),
        "the batch taken for time": changed(RUN_RNN, ("        h = h0[n]\n", ""), ("    for n", "    h = h0[0]\n    for n")),
        "the first start state for all": changed(RUN_RNN, ("h0[n]", "h0[0]")),
        "a sigmoid": changed(LISTED, ("np.tanh(", "1 / (1 + np.exp(-("), (" + b)", " + b)))")),
        "a rectifier": changed(LISTED, ("np.tanh(", "np.maximum(0, ")),
        "tanh twice": changed(LISTED, ("np.tanh(", "np.tanh(np.tanh("), (" + b)", " + b))")),
        "the old state kept in part": changed(LISTED, ("h = np.tanh", "h = 0.5 * h + 0.5 * np.tanh")),
        "the bias twice": changed(LISTED, (" + b)", " + b + b)")),
        "a residual": changed(LISTED, ("h = np.tanh", "h = h + np.tanh")),
        "three steps": changed(RUN_RNN, ("range(T)", "range(min(T, 3))"), ("h = np", "h = 0.999 * np")),
        "five wide": changed(LISTED, ("h0.copy()", "h0.copy()[:, :5]"), ("W_hh)", "W_hh[:5, :5])")),
        "a list": changed(LISTED, ("np.stack(states, axis=1)", "states")),
        "the first input at every step": changed(LISTED, ("x[:, t]", "x[:, 0]")),
        "the mean of the batch": changed(
            LISTED, ("np.stack(states, axis=1)", "np.stack(states, axis=1) * 0 + np.stack(states, axis=1).mean(0)")
        ),
        "wrong for one step": changed(RUN_RNN, ("    states = np", "    if T == 1: return h0[:, None]\n    states = np")),
        "wrong for a batch of one": changed(RUN_RNN, ("return states", "return states.squeeze()")),
        "whole numbers": changed(RUN_RNN, ("np.zeros((B, T, W_hh.shape[0]))", "np.zeros((B, T, W_hh.shape[0]), dtype=int)")),
    },
    "01.2": {
        "the states themselves": written("def last_states(states, lengths): return states"),
        "zeros": written("def last_states(states, lengths): return np.zeros(states[:, 0].shape)"),
        "all columns": written("def last_states(states, lengths): return states[:, lengths - 1]"),
        "all columns, first row": written("def last_states(states, lengths): return states[0, lengths - 1]"),
        "time first": written("def last_states(states, lengths): return states.swapaxes(0, 1)[np.arange(len(lengths)), 0]"),
        "an axis kept": changed(INDEXED, ("lengths - 1]", "lengths - 1][:, None]")),
        "the shortest length": changed(LAST, ("lengths[n]", "min(lengths)")),
        "the mean length": changed(LAST, ("lengths[n]", "int(lengths.mean())")),
        "sorted lengths": changed(INDEXED, ("lengths - 1", "np.sort(lengths)[::-1] - 1")),
        "rows in another order": changed(INDEXED, ("np.arange(len(states))", "np.arange(len(states))[::-1]")),
        "the maximum": changed(LAST, ("states[n, lengths[n] - 1]", "states[n, :lengths[n]].max(0)")),
        "the last state that is not zero": written(
            "def last_states(s, lengths): return np.array([r[np.flatnonzero(r.any(1))[-1]] for r in s])"
        ),
        "a full row is the last column": changed(LAST, ("lengths[n] - 1", "lengths[n] - 1 if n else -1")),
        "wrong at length 1": changed(LAST, ("lengths[n] - 1", "max(lengths[n] - 1, 1)")),
        "wrong for a full row": changed(LAST, ("lengths[n] - 1", "min(lengths[n] - 1, states.shape[1] - 2)")),
        "wrong for a batch of one": changed(LAST, ("np.stack(result)", "np.stack(result).squeeze()")),
        "the first number of each state": changed(INDEXED, ("lengths - 1]", "lengths - 1, :1]")),
        "whole numbers": changed(INDEXED, ("lengths - 1]", "lengths - 1].astype(int)")),
        "a list": changed(LAST, ("np.stack(result)", "result")),
        "weighted by the lengths": changed(INDEXED, ("lengths - 1]", "lengths - 1] / lengths[:, None]")),
        "half of the step before": changed(
            LAST, ("states[n, lengths[n] - 1]", "states[n, max(0, lengths[n] - 2):lengths[n]].mean(0)")
        ),
    },
    "01.3": {
        "inputs only": changed(WINDOWS, ("return inputs, targets", "return inputs")),
        "targets first": changed(WINDOWS, ("return inputs, targets", "return targets, inputs")),
        "batch first": changed(WINDOWS, ("return inputs, targets", "return inputs.swapaxes(0, 1), targets.swapaxes(0, 1)")),
        "time first": changed(WINDOWS, ("return inputs, targets", "return inputs.swapaxes(1, 2), targets.swapaxes(1, 2)")),
        "overlapping windows": changed(WINDOWS, ("[:, k * time : (k + 1) * time]", "[:, k : k + time]")),
        "the last window left out": changed(WINDOWS, ("range(count)", "range(count - 1)")),
        "the last window filled up": changed(WINDOWS, ("count = length // time", "count = -(-length // time)")),
        "the first window at every place": changed(WINDOWS, ("k * time : (k + 1) * time", "0 : time")),
        "rows turned round": changed(WINDOWS, ("return inputs, targets", "return inputs[:, ::-1], targets[:, ::-1]")),
        "windows turned round": changed(WINDOWS, ("return inputs, targets", "return inputs[::-1], targets[::-1]")),
        "one row too long": changed(WINDOWS, ("(len(ids) - 1) // batch", "len(ids) // batch - 1")),
        "rows start one late": changed(WINDOWS, ("ids[: batch * length]", "ids[1 : batch * length + 1]")),
        "targets of another row": changed(WINDOWS, ("return inputs, targets", "return inputs, np.roll(targets, 1, axis=1)")),
        "targets of the next window": changed(
            WINDOWS, ("return inputs, targets", "return inputs, np.roll(targets, -1, axis=0)")
        ),
        "the last target is 0": changed(
            WINDOWS, ("return inputs, targets", "targets[:, :, -1] = 0\n    return inputs, targets")
        ),
        "the last target is repeated": changed(
            WINDOWS, ("return inputs, targets", "targets[:, :, -1] = inputs[:, :, -1]\n    return inputs, targets")
        ),
        "floating point": changed(WINDOWS, ("return inputs, targets", "return inputs.astype(float), targets.astype(float)")),
        "two rows": written("def windows(ids, batch, time): return ids[:8].reshape(2, 2, 2), ids[1:9].reshape(2, 2, 2)"),
        "batch and time exchanged": changed(WINDOWS, ("    length =", "    batch, time = time, batch\n    length =")),
        "tensors": changed(WINDOWS, ("return inputs, targets", "return torch.tensor(inputs), torch.tensor(targets)")),
        "a list of pairs": changed(WINDOWS, ("return inputs, targets", "return list(zip(inputs, targets))")),
        "the next row's start": changed(
            WINDOWS, ("return inputs, targets", "targets[:, 0, -1] = ids[0]\n    return inputs, targets")
        ),
    },
    "01.4": {
        "the states as they were": written("def lstm_step(x, h, c, W_xh, W_hh, b): return h, c"),
        "h only": changed(LSTM, ("return h_new, c_new", "return h_new")),
        "no bias": changed(LSTM, (" + b", "")),
        "the input left out": changed(LSTM, ("torch.cat([x, h], 1)", "torch.cat([0 * x, h], 1)")),
        "the old cell left out": changed(LSTM, ("f * c + ", "")),
        "the new content left out": changed(LSTM, (" + i * g", "")),
        "no input gate": changed(LSTM, ("i * g", "g")),
        "no forget gate": changed(LSTM, ("f * c", "c")),
        "no output gate": changed(LSTM, ("o * torch", "torch")),
        "the input gate tied to the forget gate": changed(LSTM, ("i * g", "(1 - f) * g")),
        "the output gate is the input gate": changed(LSTM, ("h_new = o", "h_new = i")),
        "i and o exchanged": changed(LSTM, ("i * g", "o * g"), ("h_new = o", "h_new = i")),
        "f and o exchanged": changed(LSTM, ("f * c", "o * c"), ("h_new = o", "h_new = f")),
        "f, g, i, o": changed(
            LSTM, ("f * c + i * g", "i * c + torch.sigmoid(a[:, 2 * H : 3 * H]) * torch.tanh(a[:, H : 2 * H])")
        ),
        "gates not squashed": changed(LSTM, ("torch.sigmoid", "")),
        "the new content not squashed": changed(LSTM, ("torch.tanh(a", "(a")),
        "the cell kept squashed": changed(LSTM, ("c_new = f * c + i * g", "c_new = torch.tanh(f * c + i * g)")),
        "a sigmoid on the way out": changed(LSTM, ("torch.tanh(c_new)", "torch.sigmoid(c_new)")),
        "h in place of c": changed(LSTM, ("f * c", "f * h")),
        "the first of the batch": changed(LSTM, ("return h_new, c_new", "return h_new * 0 + h_new[:1], c_new")),
        "both states side by side": changed(LSTM, ("return h_new, c_new", "return torch.stack([h_new, c_new])")),
        "arrays": changed(LSTM, ("return h_new, c_new", "return h_new.numpy(), c_new.numpy()")),
        "wrong for a batch of one": changed(LSTM, ("return h_new, c_new", "return h_new.squeeze(), c_new.squeeze()")),
    },
    "01.5": {
        "the gradients themselves": written("def clip(gradients, threshold): return gradients"),
        "zeros when too long": changed(CLIP, ("g * threshold / norm", "0 * g")),
        "one long row": changed(CLIP, ("return list(gradients)", "return np.concatenate([g.ravel() for g in gradients])")),
        "the norm of the first": changed(CLIP, ("for g in gradients:\n", "for g in gradients[:1]:\n")),
        "the norm of the last": changed(CLIP, ("total +=", "total =")),
        "the largest norm": changed(CLIP, ("total += np.sum(g**2)", "total = max(total, np.sum(g**2))")),
        "the mean norm": changed(CLIP, ("np.sqrt(total)", "np.sqrt(total / len(gradients))")),
        "half the threshold": changed(CLIP, ("g * threshold / norm", "g * threshold / norm / 2")),
        "scaled by the threshold": changed(CLIP, ("g * threshold / norm", "g * threshold")),
        "divided by the square": changed(CLIP, ("g * threshold / norm", "g * threshold / total")),
        "turned round": changed(CLIP, ("g * threshold / norm", "-g * threshold / norm")),
        "clipped below the threshold": changed(CLIP, ("norm <= threshold", "norm > threshold")),
        "the sign": changed(CLIP, ("g * threshold / norm", "np.sign(g) * threshold")),
        "transposed": changed(CLIP, ("[g * threshold / norm", "[g.T * threshold / norm")),
        "the last array left out": changed(CLIP, ("for g in gradients]", "for g in gradients[:-1]]")),
        "only the first scaled": changed(
            CLIP, ("[g * threshold / norm for g in gradients]", "[gradients[0] * threshold / norm, *gradients[1:]]")
        ),
        "a threshold of 1": written(CLIP.replace("total = 0.0", "total = 0.0; threshold = 1.0")),
        "the spectral norm": changed(CLIP, ("np.sum(g**2)", "np.linalg.norm(g, 2) ** 2")),
        "fails at zero": changed(CLIP, ("if norm <= threshold:", "if norm and norm <= threshold:")),
        "all zeros give nothing": changed(CLIP, ("return list(gradients)", "return list(gradients) if norm else []")),
        "whole numbers": changed(CLIP, ("g * threshold / norm", "(g * threshold / norm).astype(int)")),
        "a large constant below": changed(SHORT_CLIP, ("1e-6", "1e-1")),
        "in a tuple with the norm": changed(CLIP, ("return list(gradients)", "return list(gradients), norm")),
    },
    "01.6": {
        "zero": written("def bits_per_character(logits, targets, lengths): return 0 * logits.sum()"),
        "a float": written(
            BITS.replace(
                "return -(picked * mask).sum() / mask.sum() / np.log(2)",
                "return float(-(picked * mask).sum() / mask.sum() / np.log(2))",
            )
        ),
        "the sign": changed(BITS, ("return -", "return ")),
        "bits each": changed(BITS, ("-(picked * mask).sum() / mask.sum()", "-(picked * mask)")),
        "each sequence": changed(BITS, ("-(picked * mask).sum() / mask.sum()", "-(picked * mask).sum(1) / lengths")),
        "cut off": changed(BITS, ("log_softmax(logits,", "log_softmax(logits.detach(),")),
        "gradient doubled": changed(BITS, ("    log_p", "    logits = 2 * logits - logits.detach()\n    log_p")),
        "the first sequence only": changed(
            BITS, ("return -(picked * mask).sum() / mask.sum()", "return -(picked * mask)[0].sum() / lengths[0]")
        ),
        "the longest length for all": changed(BITS, ("lengths.unsqueeze(1)", "lengths.max()")),
        "the shortest length for all": changed(BITS, ("lengths.unsqueeze(1)", "lengths.min()")),
        "the last character only": changed(BITS, (" < lengths.unsqueeze(1)", " == lengths.unsqueeze(1) - 1")),
        "the first character left out": changed(BITS, ("torch.arange(T)", "(torch.arange(T) + 99 * (torch.arange(T) == 0))")),
        "softmax over time": changed(BITS, ("dim=-1", "dim=1")),
        "softmax over the batch": changed(BITS, ("dim=-1", "dim=0")),
        "logits as they are": changed(BITS, ("torch.log_softmax(logits, dim=-1)", "logits")),
        "perplexity": changed(
            BITS,
            ("return -(picked * mask).sum() / mask.sum() / np.log(2)", "return torch.exp(-(picked * mask).sum() / mask.sum())"),
        ),
        "padded logits set to zero": changed(
            BITS,
            ("    log_p", "    real = torch.arange(logits.shape[1]) < lengths[:, None]\n    log_p"),
            ("softmax(logits,", "softmax(logits * real[..., None],"),
            ("picked * mask", "picked"),
        ),
        "capped": changed(BITS, ("log_p.gather", "log_p.clamp(min=-30).gather")),
        "capped far below": changed(BITS, ("log_p.gather", "log_p.clamp(min=-500).gather")),
        "in base 10": changed(BITS, ("np.log(2)", "np.log(10)")),
        "label smoothing": written(
            "def bits_per_character(logits, targets, lengths):\n"
            "    t = targets.masked_fill(torch.arange(targets.shape[1]) >= lengths[:, None], -100)\n"
            "    return F.cross_entropy(logits.flatten(0, 1), t.flatten(), label_smoothing=0.1) / np.log(2)"
        ),
        "shape (1,)": changed(
            BITS, ("return -(picked * mask).sum() / mask.sum()", "return -(picked * mask).sum()[None] / mask.sum()")
        ),
        "fails without padding": changed(BITS, ("    T = ", "    assert lengths.min() < targets.shape[1]\n    T = ")),
        "padding must be 0": changed(
            BITS, ("    T = ", "    assert (targets[torch.arange(targets.shape[1]) >= lengths[:, None]] == 0).all()\n    T = ")
        ),
        "trains on the padding": changed(
            BITS,
            (
                "return -",
                "return 0.1 * (log_p * (1 - mask[..., None])).sum() - 0.1 * (log_p * (1 - mask[..., None])).sum().detach() - ",
            ),
        ),
    },
    "01.7": {
        "nothing": written("def generate(step, state, token, count): return []"),
        "the start token repeated": written("def generate(step, state, token, count): return [token] * count"),
        "the first token repeated": changed(GENERATE, ("return tokens", "return tokens[:1] * count")),
        "one too many": changed(GENERATE, ("range(count)", "range(count + 1)")),
        "one too few": changed(GENERATE, ("range(count)", "range(count - 1)")),
        "the start token in front": changed(GENERATE, ("tokens = []", "tokens = [token]")),
        "drawn at random": changed(
            GENERATE, ("int(np.argmax(logits))", "int(np.random.choice(len(logits), p=np.exp(logits) / np.exp(logits).sum()))")
        ),
        "the second best": changed(GENERATE, ("np.argmax(logits)", "np.argsort(logits)[-2]")),
        "the logit itself": changed(GENERATE, ("tokens.append(token)", "tokens.append(max(logits))")),
        "an array": changed(GENERATE, ("return tokens", "return np.array(tokens)")),
        "a string": changed(GENERATE, ("return tokens", 'return "".join(map(str, tokens))')),
        "the state as well": changed(GENERATE, ("return tokens", "return tokens, state")),
        "sorted": changed(GENERATE, ("return tokens", "return sorted(tokens)")),
        "without repeats": changed(GENERATE, ("tokens.append(token)", "tokens.append(token if token not in tokens else -1)")),
        "the token one too large": changed(GENERATE, ("tokens.append(token)", "tokens.append(token + 1)")),
        "the last token left out": changed(GENERATE, ("return tokens", "return tokens[:-1] + [0]")),
        "ten tokens": changed(GENERATE, ("range(count)", "range(10)")),
        "stops at token 0": changed(
            GENERATE,
            ("tokens.append(token)", "tokens.append(token)\n        if token == 0: break"),
            ("range(count)", "range(count - 1)"),
        ),
        "the state before last": changed(
            GENERATE,
            ("    tokens = []", "    tokens, old = [], state"),
            ("logits, state = step(state, token)", "logits, new = step(old, token)\n        old, state = state, new"),
        ),
        "the token before last": changed(
            GENERATE,
            ("    tokens = []", "    tokens, old = [], token"),
            ("step(state, token)", "step(state, old)"),
            ("        token = int", "        old = token\n        token = int"),
        ),
        "the start token read twice": changed(GENERATE, ("tokens = []", "tokens = []\n    _, state = step(state, token)")),
        "token 0 first": changed(GENERATE, ("tokens = []", "tokens = []\n    token = 0 if token else 1")),
        "floating point": changed(GENERATE, ("int(np", "float(np")),
    },
    "01.8": {
        "zeros": written("def bptt(states, h0, W_hh, d_states): return np.zeros_like(W_hh)"),
        "W_hh itself": written("def bptt(states, h0, W_hh, d_states): return W_hh"),
        "forwards": changed(BPTT, ("range(T - 1, -1, -1)", "range(T)")),
        "the last step left out": changed(BPTT, ("range(T - 1, -1, -1)", "range(T - 2, -1, -1)")),
        "the last two steps only": changed(
            BPTT, ("range(T - 1, -1, -1)", "range(T - 1, max(T - 3, -1), -1)"), ("dW += ", "dW += 0.999 * ")
        ),
        "the last step only": changed(BPTT, ("dW += ", "dW = ")),
        "two steps back": changed(BPTT, ("dh = da @ W_hh.T", "dh = da @ W_hh.T if t % 2 else 0")),
        "the mean over time": changed(BPTT, ("return dW", "return dW / T")),
        "the first sequence only": changed(BPTT, ("h_prev.T @ da", "np.outer(h_prev[0], da[0])")),
        "the sign": changed(BPTT, ("return dW", "return -dW")),
        "twice": changed(BPTT, ("return dW", "return 2 * dW")),
        "one plus the square": changed(BPTT, ("1 - h * h", "1 + h * h")),
        "the slope at the state before": changed(BPTT, ("1 - h * h", "1 - h_prev * h_prev")),
        "the slope twice": changed(BPTT, ("(1 - h * h)", "(1 - h * h) ** 2")),
        "the slope of a sigmoid": changed(BPTT, ("(1 - h * h)", "h * (1 - h)")),
        "the first loss left out": changed(BPTT, ("dh = dh + d_states[:, t]", "dh = dh + d_states[:, t] * (t > 0)")),
        "losses added up": changed(BPTT, ("dh = dh + d_states[:, t]", "dh = dh + d_states[:, t:].sum(1)")),
        "no h0 at the first step": changed(BPTT, ("if t > 0 else h0", "if t > 0 else states[:, 0]")),
        "the last state before the first": changed(BPTT, ("states[:, t - 1] if t > 0 else h0", "states[:, t - 1]")),
        "multiplied by W_hh at the end": changed(BPTT, ("return dW", "return dW * W_hh")),
        "one a sequence": changed(BPTT, ("return dW", "return np.broadcast_to(dW, (B, H, H))")),
        "clipped": changed(BPTT, ("return dW", "return np.clip(dW, -0.05, 0.05)")),
        "the gradient at h0": changed(BPTT, ("return dW", "return dh")),
        "clipped on the way": changed(BPTT, ("dh = da @ W_hh.T", "dh = np.clip(da @ W_hh.T, -0.2, 0.2)")),
        "whole numbers": changed(BPTT, ("return dW", "return dW.astype(int)")),
        "wrong for a batch of one": changed(BPTT, ("return dW", "return dW if B > 1 else dW.T")),
        "wrong for one step": changed(BPTT, ("return dW", "return dW if T > 1 else 0 * dW")),
    },
}
