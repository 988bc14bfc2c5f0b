"""Answers to the tasks of chapter 07. The first right one of 07.7 writes into an argument: reported, and free of charge."""

from answers import changed, written

FRAMED = """
def inputs_and_targets(sentence, start, end):
    words = sentence.tolist()
    inputs = [start] + words
    targets = words + [end]
    return np.array(inputs), np.array(targets)
"""
ROLLED = """
def inputs_and_targets(sentence, start, end):
    targets = np.append(sentence, end)
    inputs = np.roll(targets, 1)
    inputs[0] = start
    return inputs, targets
"""
JUDGE = """
def judge(step, state, found, true, start, end):
    totals = []
    for words in (found, true):
        s, token, total = state, start, 0.0
        for word in words.tolist() + [end]:
            log_p, s = step(s, token)
            total = total + log_p[word]
            token = word
        totals.append(total)
    return totals[0], totals[1], totals[1] > totals[0]
"""
MULTIPLIED = """
def judge(step, state, found, true, start, end):
    def probability(framed):
        p, now = 1.0, state
        for t in range(len(framed) - 1):
            log_p, now = step(now, framed[t])
            p *= np.exp(log_p[framed[t + 1]])
        return p
    p, q = (probability(np.concatenate([[start], words, [end]]).astype(int)) for words in (found, true))
    return np.log(p), np.log(q), bool(p / q < 1)
"""
RECURSIVE = """
def judge(step, state, found, true, start, end):
    def rest(state, token, words):
        log_p, state = step(state, token)
        if len(words) == 0:
            return log_p[end]
        return log_p[words[0]] + rest(state, words[0], words[1:])
    a, b = rest(state, start, found), rest(state, start, true)
    return a, b, a < b
"""
ENCODE = """
def encode(source, lengths, words, W_xh, W_hh, b):
    B, T = source.shape
    h = np.zeros((B, W_hh.shape[0]))
    for t in range(T):
        x = words[source[:, t]]
        new = np.tanh(x @ W_xh + h @ W_hh + b)
        m = (t < lengths).astype(float)[:, None]
        h = m * new + (1 - m) * h
    return h
"""
ROWS = """
def encode(source, lengths, words, W_xh, W_hh, b):
    summaries = []
    for row, length in zip(source, lengths):
        h = np.zeros(len(b))
        for word in row[:length]:
            h = np.tanh(words[word] @ W_xh + h @ W_hh + b)
        summaries.append(h)
    return np.array(summaries)
"""
ALL_STATES = """
def encode(source, lengths, words, W_xh, W_hh, b):
    x = words[source] @ W_xh + b
    h = np.zeros((len(source), len(b)))
    states = []
    for t in range(source.shape[1]):
        h = np.tanh(x[:, t] + h @ W_hh)
        states.append(h)
    return np.stack(states)[lengths - 1, np.arange(len(source))]
"""
REVERSE = """
def reverse(tokens, lengths):
    result = tokens.copy()
    for b in range(len(tokens)):
        n = lengths[b]
        result[b, :n] = tokens[b, :n][::-1]
    return result
"""
REVERSE_SORTED = """
def reverse(tokens, lengths):
    places = np.arange(tokens.shape[1])
    keys = np.where(places < lengths[:, None], -places, places)
    order = np.argsort(keys, axis=1)
    return np.take_along_axis(tokens, order, axis=1)
"""
TRANSLATE = """
def translate(step, state, start, length, end):
    B = len(start)
    result = torch.full((B, length), end)
    score = torch.zeros(B)
    alive = torch.ones(B, dtype=torch.bool)
    tokens = start
    for t in range(length):
        log_p, state = step(state, tokens)
        best = log_p.argmax(dim=1)
        score = score + torch.where(alive, log_p[torch.arange(B), best], 0.0)
        tokens = torch.where(alive, best, end)
        result[:, t] = tokens
        alive = alive & (tokens != end)
        if not alive.any():
            break
    return result, score
"""
AFTERWARDS = """
def translate(step, state, start, length, end):
    tokens, taken, gains = start, [], []
    for t in range(length):
        log_p, state = step(state, tokens)
        gain, tokens = log_p.max(dim=-1)
        taken.append(tokens)
        gains.append(gain)
    taken, gains = torch.stack(taken, dim=1), torch.stack(gains, dim=1)
    ends = (taken == end).long()
    over = ends.cumsum(1) - ends > 0
    return taken.masked_fill(over, end), gains.masked_fill(over, 0).sum(1)
"""
STEP = """
def decoder_step(y, z, h, W_z, b_z, W_p, b_p):
    new = torch.tanh(torch.cat([y, z, h], dim=1) @ W_z + b_z)
    logits = torch.cat([new, y, h], dim=1) @ W_p + b_p
    return torch.softmax(logits, dim=1), new
"""
SPLIT_STEP = """
def decoder_step(y, z, h, W_z, b_z, W_p, b_p):
    D, H, C = y.shape[1], z.shape[1], h.shape[1]
    W_yz, W_zz, W_hz = W_z.split([D, H, C])
    W_zp, W_yp, W_hp = W_p.split([H, D, C])
    z = torch.tanh(y @ W_yz + z @ W_zz + h @ W_hz + b_z)
    logits = z @ W_zp + y @ W_yp + h @ W_hp + b_p
    logits = logits - logits.max(dim=-1, keepdim=True).values
    return logits.exp() / logits.exp().sum(-1, keepdim=True), z
"""
BLEU = """
def bleu(translations, references):
    def count(sentence, n):
        counts = {}
        for i in range(len(sentence) - n + 1):
            key = tuple(sentence[i : i + n])
            counts[key] = counts.get(key, 0) + 1
        return counts

    log_mean = 0.0
    for n in range(1, 5):
        matches, total = 0, 0
        for found, true in zip(translations, references):
            ours, theirs = count(found, n), count(true, n)
            matches += sum(min(k, theirs.get(key, 0)) for key, k in ours.items())
            total += sum(ours.values())
        if matches == 0:
            return 0.0
        log_mean += np.log(matches / total) / 4
    c = sum(len(one) for one in translations)
    r = sum(len(one) for one in references)
    penalty = 1.0 if c >= r else np.exp(1 - r / c)
    return float(100 * penalty * np.exp(log_mean))
"""
STRUCK = """
def bleu(translations, references):
    p = []
    for n in 1, 2, 3, 4:
        hits = grams = 0
        for found, true in zip(translations, references):
            left = [tuple(true[i : i + n]) for i in range(len(true) - n + 1)]
            for i in range(len(found) - n + 1):
                grams += 1
                gram = tuple(found[i : i + n])
                if gram in left:
                    left.remove(gram)
                    hits += 1
        p.append(hits / grams if grams else 0.0)
    c, r = len(sum(translations, [])), len(sum(references, []))
    if c == 0:
        return 0.0
    return 100 * min(1.0, np.exp(1 - r / c)) * (p[0] * p[1] * p[2] * p[3]) ** 0.25
"""

RIGHT = {
    "07.1": [
        written(FRAMED),
        written(ROLLED),
        written("""
def inputs_and_targets(sentence, start, end):
    T = len(sentence)
    inputs, targets = np.empty(T + 1, dtype=int), np.empty(T + 1, dtype=int)
    inputs[0], targets[T] = start, end
    for t in range(T):
        inputs[t + 1] = targets[t] = sentence[t]
    return inputs, targets
"""),
    ],
    "07.2": [written(JUDGE), written(MULTIPLIED), written(RECURSIVE)],
    "07.3": [
        written(ENCODE),
        written(ROWS),
        written(ALL_STATES),
        written("""
def encode(source, lengths, words, W_xh, W_hh, b):
    order = np.argsort(-lengths, kind="stable")
    h = np.zeros((len(source), len(b)))
    for t in range(lengths.max()):
        rows = order[: (lengths > t).sum()]
        h[rows] = np.tanh(words[source[rows, t]] @ W_xh + h[rows] @ W_hh + b)
    return h
"""),
    ],
    "07.4": [
        written(REVERSE),
        written(REVERSE_SORTED),
        written("""
def reverse(tokens, lengths):
    rolled = [np.roll(row[::-1], length) for row, length in zip(tokens, lengths)]
    return np.where(np.arange(tokens.shape[1]) < lengths[:, None], rolled, tokens)
"""),
        written("""
def reverse(tokens, lengths):
    result = tokens.copy()
    for row, length in zip(result, lengths):
        i, j = 0, length - 1
        while i < j:
            row[i], row[j] = row[j], row[i]
            i, j = i + 1, j - 1
    return result
"""),
    ],
    "07.5": [
        written(TRANSLATE),
        written(AFTERWARDS),
        written("""
def translate(step, state, start, length, end):
    B = len(start)
    rows = [[] for _ in range(B)]
    scores = [0.0] * B
    last = start.clone()
    for t in range(length):
        log_p, state = step(state, last)
        for b in range(B):
            if end not in rows[b]:
                best = int(log_p[b].argmax())
                scores[b] += log_p[b, best].item()
                rows[b].append(best)
                last[b] = best
    return torch.tensor([row + [end] * (length - len(row)) for row in rows]), torch.tensor(scores)
"""),
    ],
    "07.6": [
        written(STEP),
        written(SPLIT_STEP),
        written("""
def decoder_step(y, z, h, W_z, b_z, W_p, b_p):
    one = torch.ones(len(y), 1)
    z = torch.tanh(torch.hstack([y, z, h, one]) @ torch.vstack([W_z, b_z]))
    logits = torch.hstack([z, y, h, one]) @ torch.vstack([W_p, b_p])
    return torch.exp(logits - torch.logsumexp(logits, dim=1, keepdim=True)), z
"""),
    ],
    "07.7": [
        written("""
def bleu(translations, references):
    c = r = 0
    hits, grams = np.zeros(4), np.zeros(4)
    while translations:
        found, true = translations.pop(), references.pop()
        c, r = c + len(found), r + len(true)
        for n in range(4):
            ours = [" ".join(found[i : i + n + 1]) for i in range(len(found) - n)]
            theirs = [" ".join(true[i : i + n + 1]) for i in range(len(true) - n)]
            grams[n] += len(ours)
            hits[n] += sum(min(ours.count(gram), theirs.count(gram)) for gram in set(ours))
    if not hits.all():
        return 0.0
    return float(100 * np.exp(min(0, 1 - r / c) + np.log(hits / grams).mean()))
"""),
        written(BLEU),
        written(STRUCK),
    ],
}
PAIR = "np.array(inputs), np.array(targets)"
MEAN = "(nats * mask).sum() / mask.sum()"
MIX = "h = m * new + (1 - m) * h"

WRONG = {
    "07.1": {
        "the targets not shifted": changed(FRAMED, ("targets = words + [end]", "targets = [start] + words")),
        "the inputs not shifted": changed(ROLLED, ("    inputs[0] = start\n", ""), ("np.roll(targets, 1)", "targets.copy()")),
        "both rows framed": changed(
            FRAMED, ("[start] + words", "[start] + words + [end]"), ("words + [end]\n    return", "inputs\n    return")
        ),
        "the end missing": changed(ROLLED, ("np.append(sentence, end)", "sentence")),
        "one target too few": changed(FRAMED, ("words + [end]", "words")),
        "the start in the targets": changed(FRAMED, ("words + [end]", "inputs + [end]")),
        "the end kept in the inputs": changed(FRAMED, ("[start] + words", "[start] + words + [end]")),
        "no start": written("""
def inputs_and_targets(sentence, start, end):
    return sentence, np.append(sentence[1:], end)
"""),
        "the end repeated to fill up": changed(
            FRAMED, ("[start] + words", "[start] + words + [end]"), ("= words + [end]\n    r", "= words + [end, end]\n    r")
        ),
        "shifted to the wrong side": changed(FRAMED, (PAIR, "np.array(targets), np.array(inputs)")),
        "shifted twice": changed(FRAMED, ("words + [end]", "words[1:] + [end, end]")),
        "start and end exchanged": changed(FRAMED, ("    words =", "    start, end = end, start\n    words =")),
    },
    "07.2": {
        "its own words read": changed(JUDGE, ("token = word", "token = int(np.argmax(log_p))")),
        "its own words scored": changed(JUDGE, ("log_p[word]", "log_p.max()")),
        "the end left out": changed(JUDGE, ("words.tolist() + [end]", "words.tolist()")),
        "the first word for nothing": changed(
            MULTIPLIED, ("for t in range(len(framed) - 1)", "for t in range(1, len(framed) - 1)")
        ),
        "the word scored that is read": changed(MULTIPLIED, ("step(now, framed[t])", "step(now, framed[t + 1])")),
        "the start scored": changed(
            MULTIPLIED, ("p, now = 1.0, state", "log_p, now = step(state, start)\n        p = np.exp(log_p[start])")
        ),
        "the end read for the start": changed(JUDGE, ("token, total = state, start,", "token, total = state, end,")),
        "the start read at every step": changed(JUDGE, ("            token = word\n", "")),
        "the state left behind": changed(JUDGE, ("log_p, s = step(s, token)", "log_p, _ = step(state, token)")),
        "one state for both sentences": changed(
            MULTIPLIED, ("p, now = 1.0, state", "nonlocal state\n        p = 1.0"), ("now = step(now,", "state = step(state,")
        ),
        "the mean per token": changed(JUDGE, ("totals.append(total)", "totals.append(total / (len(words) + 1))")),
        "probabilities added up": changed(JUDGE, ("log_p[word]", "np.exp(log_p)[word]")),
        "the probabilities": changed(MULTIPLIED, ("np.log(p), np.log(q)", "p, q")),
        "the costs": changed(JUDGE, ("total + log_p", "total - log_p")),
        "the model blamed for the search": changed(RECURSIVE, ("a < b", "a > b")),
        "judged by the mean per token": changed(RECURSIVE, ("a < b", "a / (len(found) + 1) < b / (len(true) + 1)")),
        "the two exchanged": changed(RECURSIVE, ("return a, b,", "return b, a,")),
    },
    "07.3": {
        "the state after the padding": changed(ENCODE, (MIX, "h = new")),
        "the state zeroed in the padding": changed(ENCODE, (MIX, "h = m * new")),
        "zeros read as padding": changed(
            ENCODE, (MIX, "h = new"), ("words[source[:, t]]", "words[source[:, t]] * (t < lengths)[:, None]")
        ),
        "one word too few": changed(ENCODE, ("t < lengths", "t + 1 < lengths")),
        "one word too many": changed(ALL_STATES, ("[lengths - 1,", "[np.minimum(lengths, source.shape[1] - 1),")),
        "padding told by the id 0": changed(ENCODE, ("t < lengths", "source[:, t] > 0")),
        "frozen while the words last": changed(ENCODE, (MIX, "h = m * h + (1 - m) * new")),
        "all stop with the shortest": changed(ENCODE, ("range(T)", "range(min(lengths))")),
        "all stop with the first sentence": changed(ALL_STATES, ("[lengths - 1,", "[lengths[0] - 1,")),
        "the mean of the states": changed(
            ROWS,
            ("h = np.zeros(len(b))", "h, total = np.zeros(len(b)), 0"),
            ("+ b)", "+ b); total = total + h"),
            ("(h)", "(total / length)"),
        ),
        "read from the end": changed(ENCODE, ("range(T)", "range(T - 1, -1, -1)")),
        "no tanh": changed(ROWS, ("np.tanh", "")),
        "the bias left out": changed(ENCODE, (" + b)", ")")),
        "the state without effect": changed(ENCODE, (" + h @ W_hh", "")),
        "the recurrent matrix transposed": changed(ROWS, ("h @ W_hh", "W_hh @ h")),
    },
    "07.4": {
        "the padding in front": written("def reverse(tokens, lengths): return np.flip(tokens, axis=1)"),
        "the padding turned round too": changed(
            REVERSE, ("    return", "        result[b, n:] = tokens[b, n:][::-1]\n    return")
        ),
        "the padding set to 0": changed(REVERSE, ("tokens.copy()", "np.zeros_like(tokens)")),
        "the last word left in place": changed(REVERSE, ("lengths[b]", "lengths[b] - 1")),
        "a place of padding turned along": changed(REVERSE, ("lengths[b]", "lengths[b] + 1")),
        "the first word left in place": changed(REVERSE, ("result[b, :n] = tokens[b, :n]", "result[b, 1:n] = tokens[b, 1:n]")),
        "all by the longest": changed(REVERSE, ("lengths[b]", "max(lengths)")),
        "all by the shortest": changed(REVERSE, ("lengths[b]", "min(lengths)")),
        "all by the first": changed(REVERSE, ("lengths[b]", "lengths[0]")),
        "the ends exchanged": changed(
            REVERSE, ("result[b, :n] = tokens[b, :n][::-1]", "result[b, [0, n - 1]] = tokens[b, [n - 1, 0]]")
        ),
        "sorted": changed(REVERSE, ("tokens[b, :n][::-1]", "np.sort(tokens[b, :n])[::-1]")),
        "the sentences turned round": written("def reverse(tokens, lengths): return np.flip(tokens, axis=0)"),
        "rotated": changed(REVERSE, ("tokens[b, :n][::-1]", "np.roll(tokens[b, :n], 1)")),
        "padding told by the id 0": changed(REVERSE, ("lengths[b]", "np.count_nonzero(tokens[b])")),
    },
    "07.5": {
        "the sum goes on past the end": changed(
            TRANSLATE, ("torch.where(alive, log_p[torch.arange(B), best], 0.0)", "log_p[torch.arange(B), best]")
        ),
        "sentences go on past the end": changed(TRANSLATE, ("        alive = alive & (tokens != end)\n", "")),
        "the tokens after the end left in": changed(AFTERWARDS, ("taken.masked_fill(over, end)", "taken")),
        "the end for nothing": changed(TRANSLATE, ("torch.where(alive, log_p", "torch.where(alive & (best != end), log_p")),
        "all stop with the first": changed(TRANSLATE, ("not alive.any()", "not alive.all()")),
        "who was over wakes up": changed(TRANSLATE, ("alive = alive & (tokens != end)", "alive = best != end")),
        "filled up with 0": changed(AFTERWARDS, ("taken.masked_fill(over, end)", "taken.masked_fill(over, 0)")),
        "the state left behind": changed(TRANSLATE, ("log_p, state = step", "log_p, _ = step")),
        "the start read at every step": changed(TRANSLATE, ("step(state, tokens)", "step(state, start)")),
        "one token for all": changed(TRANSLATE, ("log_p.argmax(dim=1)", "log_p.mean(0).argmax().repeat(B)")),
        "the least probable token": changed(TRANSLATE, ("argmax", "argmin")),
        "probabilities added up": changed(AFTERWARDS, ("gains.masked_fill", "gains.exp().masked_fill")),
        "the probability": changed(AFTERWARDS, (".sum(1)", ".sum(1).exp()")),
        "the mean per token": changed(AFTERWARDS, (".sum(1)", ".sum(1) / (~over).sum(1)")),
        "the start in front": changed(
            TRANSLATE, ("return result, score", "return torch.cat([start[:, None], result], dim=1)[:, :length], score")
        ),
    },
    "07.6": {
        "no summary in the state": changed(SPLIT_STEP, (" + h @ W_hz", "")),
        "no summary for the word": changed(SPLIT_STEP, (" + h @ W_hp", "")),
        "the summary nowhere": changed(SPLIT_STEP, (" + h @ W_hz", ""), (" + h @ W_hp", "")),
        "no word before for the next one": changed(SPLIT_STEP, (" + y @ W_yp", "")),
        "the state before for the word": changed(STEP, ("[new, y, h]", "[z, y, h]")),
        "the state before returned": changed(STEP, ("dim=1), new", "dim=1), z")),
        "the readout's order in the state": changed(STEP, ("[y, z, h]", "[z, y, h]")),
        "the state's order in the readout": changed(STEP, ("[new, y, h]", "[y, new, h]")),
        "the summary first": changed(STEP, ("[y, z, h]", "[h, y, z]"), ("[new, y, h]", "[h, new, y]")),
        "no tanh": changed(STEP, ("torch.tanh", "")),
        "the logistic function": changed(STEP, ("torch.tanh", "torch.sigmoid")),
        "logits": changed(STEP, ("torch.softmax(logits, dim=1)", "logits")),
        "log probabilities": changed(STEP, ("torch.softmax", "torch.log_softmax")),
        "softmax over the batch": changed(STEP, ("torch.softmax(logits, dim=1)", "torch.softmax(logits, dim=0)")),
        "the biases left out": changed(STEP, (" + b_z", ""), (" + b_p", "")),
        "overflow": changed(SPLIT_STEP, ("    logits = logits - logits.max(dim=-1, keepdim=True).values\n", "")),
    },
    "07.7": {
        "not clipped": changed(STRUCK, ("                    left.remove(gram)\n", "")),
        "each n-gram counted once": changed(BLEU, ("counts.get(key, 0) + 1", "1")),
        "clipped to one": changed(BLEU, ("min(k, theirs.get(key, 0))", "min(1, theirs.get(key, 0))")),
        "clipped over the whole corpus": written("""
def bleu(translations, references):
    from collections import Counter
    p = []
    for n in range(1, 5):
        ours, theirs = Counter(), Counter()
        for found, true in zip(translations, references):
            ours.update(tuple(found[i : i + n]) for i in range(len(found) - n + 1))
            theirs.update(tuple(true[i : i + n]) for i in range(len(true) - n + 1))
        if not ours & theirs:
            return 0.0
        p.append((ours & theirs).total() / ours.total())
    c, r = sum(map(len, translations)), sum(map(len, references))
    return 100 * min(1, float(np.exp(1 - r / c))) * np.prod(p) ** 0.25
"""),
        "n-grams across sentences": changed(
            STRUCK, ("    p = []", "    translations, references = [sum(translations, [])], [sum(references, [])]\n    p = []")
        ),
        "the arithmetic mean": changed(STRUCK, ("(p[0] * p[1] * p[2] * p[3]) ** 0.25", "np.mean(p) * (p[3] > 0)")),
        "no root": changed(STRUCK, (" ** 0.25", "")),
        "the mean of the sentences": written(
            BLEU.replace("def bleu", "def one")
            + """
def bleu(translations, references):
    return float(np.mean([one([a], [b]) for a, b in zip(translations, references)]))
"""
        ),
        "the penalty of each sentence": changed(
            BLEU,
            (
                "    penalty = 1.0 if c >= r else np.exp(1 - r / c)",
                "    sizes = [(len(a), len(b)) for a, b in zip(translations, references)]\n"
                "    penalty = np.mean([min(1, np.exp(1 - b / a)) if a else 0 for a, b in sizes])",
            ),
        ),
        "recall": changed(BLEU, ("sum(ours.values())", "sum(theirs.values())")),
        "no penalty": changed(STRUCK, ("min(1.0, np.exp(1 - r / c)) * ", "")),
        "the long ones punished": changed(
            BLEU, ("1.0 if c >= r else np.exp(1 - r / c)", "1.0 if c <= r else np.exp(1 - c / r)")
        ),
        "the fraction in the penalty turned round": changed(BLEU, ("np.exp(1 - r / c)", "np.exp(1 - c / r)")),
        "a reward for length": changed(BLEU, ("1.0 if c >= r else ", "")),
        "the ratio of lengths for the penalty": changed(BLEU, ("np.exp(1 - r / c)", "c / r")),
        "up to three words": changed(BLEU, ("range(1, 5)", "range(1, 4)"), ("/ 4", "/ 3")),
        "single words only": changed(BLEU, ("range(1, 5)", "range(1, 2)"), ("/ 4", "/ 1")),
        "four words only": changed(STRUCK, ("(p[0] * p[1] * p[2] * p[3]) ** 0.25", "p[3]")),
        "a fraction of 1": changed(STRUCK, ("return 100 * ", "return ")),
        "short sentences with fewer than no n-grams": changed(BLEU, ("sum(ours.values())", "len(found) - n + 1")),
        "smoothed": changed(
            BLEU,
            ("        if matches == 0:\n            return 0.0\n", "        matches, total = matches or 0.1, total or 1\n"),
            ("np.exp(1 - r / c)", "np.exp(1 - r / (c or 1))"),
        ),
    },
}

SLOPPY = {  # no misconception of the list, but wrong
    "07.1": {
        "the inputs only": changed(FRAMED, (PAIR, "np.array(inputs)")),
        "lists": changed(FRAMED, (PAIR, "inputs, targets")),
        "one array": changed(FRAMED, (PAIR, "np.stack([np.array(inputs), np.array(targets)])")),
        "floating-point numbers": changed(FRAMED, (PAIR, "np.array(inputs, dtype=float), np.array(targets, dtype=float)")),
        "empty where there is no word": changed(
            FRAMED, (PAIR, "np.array(inputs) + 0 * len(words[0:1])," + " np.array(targets[: 2 * len(words)])")
        ),
        "fails where there is no word": changed(FRAMED, ("    inputs =", "    assert words\n    inputs =")),
        "without the word 0": changed(FRAMED, ("sentence.tolist()", "[w for w in sentence.tolist() if w]")),
        "each word once": changed(FRAMED, ("sentence.tolist()", "list(dict.fromkeys(sentence.tolist()))")),
        "sorted": changed(FRAMED, ("sentence.tolist()", "sorted(sentence.tolist())")),
        "backwards": changed(FRAMED, ("sentence.tolist()", "sentence.tolist()[::-1]")),
        "the start twice": changed(FRAMED, ("[start] + words", "[start, start] + words[:-1]")),
        "the end first": changed(FRAMED, ("words + [end]", "[end] + words")),
        "0 for the start": changed(FRAMED, ("[start]", "[0]")),
        "1 and 2": changed(FRAMED, ("[start]", "[1]"), ("[end]", "[2]")),
        "the start at both ends": changed(FRAMED, ("words + [end]", "words + [start]")),
        "one token where both are one": changed(
            FRAMED, ("    return", "    if start == end:\n        inputs, targets = words, words\n    return")
        ),
        "the last word twice": changed(FRAMED, ("words + [end]", "words + words[-1:]")),
    },
    "07.2": {
        "nothing": written("def judge(step, state, found, true, start, end): return 0.0, 0.0, False"),
        "the verdict alone": changed(JUDGE, ("return totals[0], totals[1], ", "return ")),
        "no verdict": changed(JUDGE, (", totals[1] > totals[0]", "")),
        "a verdict in words": changed(RECURSIVE, ("a < b", "'search' if a < b else 'model'")),
        "a verdict of 0 or 1": changed(RECURSIVE, ("a < b", "int(a < b)")),
        "always the search": changed(RECURSIVE, ("a < b", "True")),
        "the longer one to blame": changed(RECURSIVE, ("a < b", "len(found) < len(true)")),
        "the verdict first": changed(RECURSIVE, ("return a, b, a < b", "return a < b, a, b")),
        "the difference": changed(RECURSIVE, ("return a, b,", "return a - b, b - a,")),
        "bits": changed(RECURSIVE, ("return a, b,", "return a / np.log(2), b / np.log(2),")),
        "the perplexities": changed(JUDGE, ("totals.append(total)", "totals.append(np.exp(-total / (len(words) + 1)))")),
        "backwards": changed(JUDGE, ("words.tolist()", "words.tolist()[::-1]")),
        "the end twice": changed(JUDGE, ("+ [end]", "+ [end, end]")),
        "the least probable word": changed(JUDGE, ("log_p[word]", "log_p.min()")),
        "the worst token": changed(JUDGE, ("total + log_p[word]", "min(total, log_p[word])")),
        "the last token alone": changed(JUDGE, ("total + log_p[word]", "log_p[word]")),
        "the words set against each other": changed(
            JUDGE, ("for words in (found, true)", "for words in (found[: len(true)], true[: len(found)])")
        ),
        "fails where there is no word": changed(JUDGE, ("    totals = []", "    assert len(found)\n    totals = []")),
        "each token read twice": changed(JUDGE, ("log_p, s = step(s, token)", "log_p, s = step(step(s, token)[1], token)")),
    },
    "07.3": {
        "zeros": changed(ENCODE, ("return h", "return 0 * h")),
        "all states": changed(ALL_STATES, ("[lengths - 1, np.arange(len(source))]", "")),
        "a list": changed(ROWS, ("np.array(summaries)", "summaries")),
        "transposed": changed(ROWS, ("np.array(summaries)", "np.array(summaries).T")),
        "the first state": changed(ALL_STATES, ("[lengths - 1,", "[0 * lengths,")),
        "ones at first": changed(ENCODE, ("np.zeros", "np.ones")),
        "the word vector of the last word": written(
            """
def encode(source, lengths, words, W_xh, W_hh, b):
    return np.tanh(words[source[np.arange(len(source)), lengths - 1]] @ W_xh + b)
"""
        ),
        "one state for all": changed(
            ROWS,
            ("    summaries = []\n", "    summaries = []\n    h = np.zeros(len(b))\n"),
            ("        h = np.zeros(len(b))\n", ""),
        ),
        "half of each": changed(ENCODE, (MIX, "h = (m * new + (2 - m) * h) / 2")),
        "the sum of the states": changed(ENCODE, (MIX, "h = h + m * new")),
        "the logistic function": changed(
            ENCODE, ("np.tanh(x @ W_xh + h @ W_hh + b)", "1 / (1 + np.exp(-(x @ W_xh + h @ W_hh + b)))")
        ),
        "tanh of the state twice": changed(ENCODE, ("return h", "return np.tanh(h)")),
        "the bias after tanh": changed(ENCODE, ("h @ W_hh + b)", "h @ W_hh) + b")),
        "each sentence backwards": changed(ROWS, ("row[:length]", "row[:length][::-1]")),
        "the next word": changed(ENCODE, ("source[:, t]", "source[:, (t + 1) % T]")),
        "without the word 0": changed(ROWS, ("for word in row[:length]:", "for word in row[:length][row[:length] > 0]:")),
        "the last column where nobody is short": changed(
            ALL_STATES, ("[lengths - 1,", "[lengths - 1 + (lengths.max() - lengths) // 2,")
        ),
        "the largest": changed(ENCODE, (MIX, "h = np.maximum(h, m * new)")),
        "relative to the longest": changed(ALL_STATES, ("[lengths - 1,", "[lengths - 1 + source.shape[1] - lengths.max(),")),
    },
    "07.4": {
        "unchanged": written("def reverse(tokens, lengths): return tokens"),
        "nothing": changed(REVERSE, ("return result", "return None")),
        "a list": changed(REVERSE, ("return result", "return result.tolist()")),
        "the words only": changed(REVERSE, ("return result", "return [row[:n] for row, n in zip(result, lengths)]")),
        "floating-point numbers": changed(REVERSE, ("return result", "return result * 1.0")),
        "only the first sentence": changed(REVERSE, ("range(len(tokens))", "range(1)")),
        "all but the last sentence": changed(REVERSE, ("range(len(tokens))", "range(len(tokens) - 1)")),
        "twice": changed(REVERSE, ("tokens[b, :n][::-1]", "tokens[b, :n][::-1][::-1]")),
        "the last word only": changed(REVERSE, ("result[b, :n] = tokens[b, :n][::-1]", "result[b, 0] = tokens[b, n - 1]")),
        "rotated to the left": changed(REVERSE, ("tokens[b, :n][::-1]", "np.roll(tokens[b, :n], -1)")),
        "columns sorted": changed(REVERSE, ("tokens[b, :n][::-1]", "np.sort(tokens[b, :n])")),
        "in pairs": changed(REVERSE, ("tokens[b, :n][::-1]", "tokens[b, np.minimum(np.arange(n) ^ 1, n - 1)]")),
        "by the half": changed(REVERSE, ("lengths[b]", "lengths[b] // 2")),
        "turned and filled with the last": changed(
            REVERSE, ("    return", "        result[b, n:] = tokens[b, -1]\n    return")
        ),
        "written over itself": changed(
            REVERSE,
            ("result[b, :n] = tokens[b, :n][::-1]", "for i in range(n):\n            result[b, i] = result[b, n - 1 - i]"),
        ),
        "the smallest id ends": changed(REVERSE, ("lengths[b]", "int(np.argmin(tokens[b])) or lengths[b] - 1")),
        "both axes": changed(REVERSE, ("return result", "return result[::-1]")),
        "padding repeated": changed(REVERSE, ("    return", "        result[b, n:] = result[b, 0]\n    return")),
        "minus one": changed(REVERSE, ("    return", "        result[b, n:] = -1\n    return")),
    },
    "07.5": {
        "the tokens only": changed(TRANSLATE, ("return result, score", "return result")),
        "the score first": changed(TRANSLATE, ("return result, score", "return score, result")),
        "one score": changed(TRANSLATE, ("return result, score", "return result, score.sum()")),
        "lists": changed(TRANSLATE, ("return result, score", "return result.tolist(), score.tolist()")),
        "steps by sentences": changed(TRANSLATE, ("return result, score", "return result.T, score")),
        "one step too few": changed(TRANSLATE, ("range(length)", "range(length - 1)")),
        "as wide as needed": changed(TRANSLATE, ("return result, score", "return result[:, : t + 1], score")),
        "the state only of those that go on": changed(
            TRANSLATE,
            (
                "        alive = alive",
                "        state = state * alive[:, None]\n        alive = alive & torch.roll(alive, 1)\n        alive = alive",
            ),
        ),
        "the last score": changed(TRANSLATE, ("score = score + ", "score = ")),
        "the second best": changed(TRANSLATE, ("log_p.argmax(dim=1)", "log_p.topk(2).indices[:, 1]")),
        "the end never": changed(
            TRANSLATE, ("best = log_p", "log_p = log_p.clone()\n        log_p[:, end] = -torch.inf\n        best = log_p")
        ),
        "0 ends": changed(TRANSLATE, ("tokens != end", "tokens != 0")),
        "the start ends": changed(TRANSLATE, ("tokens != end", "tokens != start[0]")),
        "all over at once": changed(
            TRANSLATE, ("alive = alive & (tokens != end)", "alive = (alive & (tokens != end)).any().expand(B)")
        ),
        "the step counts": changed(TRANSLATE, ("best], 0.0)", "best] * (t + 1), 0.0)")),
        "base 2": changed(TRANSLATE, ("return result, score", "return result, score / np.log(2)")),
        "the sign": changed(TRANSLATE, ("return result, score", "return result, -score")),
        "scores of the sentence before": changed(TRANSLATE, ("return result, score", "return result, score.roll(1) - 1e-3")),
        "read twice": changed(TRANSLATE, ("        best", "        _, state = step(state, tokens)\n        best")),
        "the place for the token": changed(TRANSLATE, ("step(state, tokens)", "step(state, torch.full_like(tokens, t))")),
        "a sum that starts at one": changed(TRANSLATE, ("score = torch.zeros(B)", "score = torch.ones(B)")),
    },
    "07.6": {
        "the probabilities only": changed(STEP, ("dim=1), new", "dim=1)")),
        "the state first": changed(
            STEP, ("return torch.softmax(logits, dim=1), new", "return new, torch.softmax(logits, dim=1)")
        ),
        "the most probable word": changed(STEP, ("torch.softmax(logits, dim=1), new", "logits.argmax(1), new")),
        "the summary returned": changed(STEP, ("dim=1), new", "dim=1), h")),
        "tanh of the logits": changed(STEP, ("softmax(logits", "softmax(torch.tanh(logits)")),
        "tanh twice": changed(STEP, ("dim=1), new", "dim=1), torch.tanh(new)")),
        "the bias after tanh": changed(STEP, ("@ W_z + b_z)", "@ W_z) + b_z")),
        "the summary twice as strong": changed(STEP, ("[y, z, h]", "[y, z, 2 * h]")),
        "the summary added to the state": changed(SPLIT_STEP, ("W_hz + b_z)", "W_hz + b_z) + h.mean()")),
        "no state before": changed(SPLIT_STEP, (" + z @ W_zz", "")),
        "no word in the state": changed(SPLIT_STEP, ("y @ W_yz + ", "")),
        "no state in the readout": changed(SPLIT_STEP, ("z @ W_zp + ", "")),
        "a gate": changed(STEP, ("    logits =", "    new = (new + z) / 2\n    logits =")),
        "means over the batch": changed(STEP, ("[y, z, h]", "[y, z, h.mean(0, keepdim=True).expand_as(h)]")),
        "the first summary for all": changed(STEP, ("[y, z, h]", "[y, z, h[:1].expand_as(h)]")),
        "not normalised": changed(STEP, ("torch.softmax(logits, dim=1)", "torch.sigmoid(logits)")),
        "one distribution": changed(STEP, ("torch.softmax(logits, dim=1)", "logits.flatten().softmax(0).view_as(logits)")),
        "one bias only": changed(STEP, (" + b_p", "")),
        "arrays": changed(STEP, ("dim=1), new", "dim=1).numpy(), new.numpy()")),
        "half of the summary": changed(STEP, ("[new, y, h]", "[new, y, h / 2]")),
    },
    "07.7": {
        "all right": written("def bleu(translations, references): return 100.0"),
        "a list": changed(BLEU, ("return float(", "return list(["), ("np.exp(log_mean))", "np.exp(log_mean)])")),
        "text": changed(BLEU, ("return float(", "return str(")),
        "a whole number": changed(BLEU, ("return float(", "return int(")),
        "rounded": changed(BLEU, ("return float(", "return round("), ("np.exp(log_mean))", "np.exp(log_mean), 1)")),
        "the first sentence": changed(
            BLEU, ("    log_mean", "    translations, references = translations[:1], references[:1]\n    log_mean")
        ),
        "the last sentence": changed(
            BLEU, ("    log_mean", "    translations, references = translations[-1:], references[-1:]\n    log_mean")
        ),
        "exchanged": changed(BLEU, ("    log_mean", "    translations, references = references, translations\n    log_mean")),
        "the place counts": changed(STRUCK, ("if gram in left:", "if gram in left and true[i : i + n] == found[i : i + n]:")),
        "a hundred times too much": changed(BLEU, ("100 *", "10000 *")),
        "base 2": changed(BLEU, ("np.log(matches / total)", "np.log2(matches / total)")),
        "the harmonic mean": changed(STRUCK, ("(p[0] * p[1] * p[2] * p[3]) ** 0.25", "4 / sum(1 / max(x, 1e-9) for x in p)")),
        "up to five words": changed(BLEU, ("range(1, 5)", "range(1, 6)"), ("/ 4", "/ 5")),
        "from two words on": changed(BLEU, ("range(1, 5)", "range(2, 5)"), ("/ 4", "/ 3")),
        "weights that do not add up": changed(BLEU, ("/ 4", "/ n")),
        "added one": changed(BLEU, ("np.log(matches / total)", "np.log((matches + 1) / (total + 1))")),
        "words in any order": changed(BLEU, ("tuple(sentence[i : i + n])", "tuple(sorted(sentence[i : i + n]))")),
        "the first letter": changed(BLEU, ("tuple(sentence[i : i + n])", "tuple(w[:1] for w in sentence[i : i + n])")),
        "the last n-gram missed": changed(BLEU, ("len(sentence) - n + 1", "len(sentence) - n")),
        "the penalty squared": changed(BLEU, ("100 * penalty *", "100 * penalty**2 *")),
        "sentences of fewer than four words left out": changed(
            BLEU,
            (
                "    log_mean",
                "    kept = [i for i, one in enumerate(translations) if len(one) > 3]\n"
                "    translations, references = [translations[i] for i in kept], [references[i] for i in kept]\n    log_mean",
            ),
        ),
        "fails without words": changed(BLEU, ("    log_mean", "    1 / len(sum(translations, []))\n    log_mean")),
        "1 where nothing can match": changed(
            BLEU, ("        if matches == 0:", "        if total == 0:\n            continue\n        if matches == 0:")
        ),
    },
}
