"""Answers to the tasks of chapter 02."""

from answers import changed, written

GREEDY = """
def greedy(scores):
    tokens = []
    total = 0.0
    for row in scores:
        best = int(np.argmax(row))
        tokens.append(best)
        total += row[best]
    return np.array(tokens), float(total)
"""
SHORT_GREEDY = """
def greedy(scores):
    tokens = scores.argmax(axis=1)
    return tokens, scores.max(axis=1).sum()
"""
LOG_P = """
def log_probability(tokens, start, table):
    with np.errstate(divide="ignore"):
        total = np.log(start[tokens[0]])
        for t in range(1, len(tokens)):
            total += np.log(table[tokens[t - 1], tokens[t]])
    return float(total)
"""
SHORT_LOG_P = """
def log_probability(tokens, start, table):
    p = np.concatenate([[start[tokens[0]]], table[tokens[:-1], tokens[1:]]])
    return np.sum(np.log(p))
"""
TEMPERED = """
def tempered(logits, temperature):
    scaled = logits / temperature
    return torch.softmax(scaled, dim=-1)
"""
NAIVE_TEMPERED = """
def tempered(logits, temperature):
    e = torch.exp(logits / temperature)
    return e / e.sum(dim=1, keepdim=True)
"""
TOP_K = """
def keep_top_k(logits, k):
    result = np.full(logits.shape, -np.inf)
    for b in range(logits.shape[0]):
        order = np.argsort(-logits[b], kind="stable")
        best = order[:k]
        result[b, best] = logits[b, best]
    return result
"""
TOP_K_MASK = """
def keep_top_k(logits, k):
    order = np.argsort(-logits, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(logits.shape[1])[None, :], axis=1)
    return np.where(rank < k, logits, -np.inf)
"""
RANK = """
def rank(sequences, scores, eos, penalty):
    values = []
    for row, score in zip(sequences, scores):
        length = 0
        for token in row:
            length += 1
            if token == eos:
                break
        values.append(score / length**penalty)
    values = np.array(values)
    order = np.argsort(-values, kind="stable")
    return order, values[order]
"""
SHORT_RANK = """
def rank(sequences, scores, eos, penalty):
    ended = np.cumsum(sequences == eos, axis=1) > 0
    lengths = 1 + (~ended).sum(axis=1)
    lengths = np.minimum(lengths, sequences.shape[1])
    values = scores / lengths**penalty
    order = np.argsort(-values, kind="stable")
    return order, values[order]
"""
NUCLEUS = """
def keep_nucleus(logits, p):
    probabilities = torch.softmax(logits, dim=-1)
    values, order = torch.sort(probabilities, dim=-1, descending=True, stable=True)
    sums = torch.cumsum(values, dim=-1)
    keep = sums - values < p
    result = torch.full_like(logits, -torch.inf)
    for b in range(len(logits)):
        ids = order[b, keep[b]]
        result[b, ids] = logits[b, ids]
    return result
"""
EXPAND = """
def expand(scores, log_p):
    k, V = log_p.shape
    total = scores.unsqueeze(1) + log_p
    flat = total.reshape(-1)
    values, index = torch.sort(flat, descending=True, stable=True)
    values, index = values[:k], index[:k]
    return index // V, index % V, values
"""
LISTED_EXPAND = """
def expand(scores, log_p):
    k, V = log_p.shape
    candidates = []
    for i in range(k):
        for v in range(V):
            candidates.append((i, v, (scores[i] + log_p[i, v]).item()))
    candidates = sorted(candidates, key=lambda c: c[2], reverse=True)
    best = candidates[:k]
    return torch.tensor([c[0] for c in best]), torch.tensor([c[1] for c in best]), torch.tensor([c[2] for c in best])
"""
GAP = """
def gap_to_greedy(start, table, length):
    from itertools import combinations_with_replacement, permutations, product

    def log_p(tokens):
        p = start[tokens[0]]
        for before, token in zip(tokens[:-1], tokens[1:]):
            p = p * table[before, token]
        return np.log2(p)

    V = len(start)
    best, highest = None, -np.inf
    for tokens in product(range(V), repeat=length):
        value = log_p(tokens)
        if best is None or value > highest:
            best, highest = tokens, value
    greedy = [int(np.argmax(start))]
    for _ in range(length - 1):
        greedy.append(int(np.argmax(table[greedy[-1]])))
    return list(best), float(log_p(best) - log_p(greedy))
"""
VITERBI = """
def gap_to_greedy(start, table, length):
    with np.errstate(divide="ignore"):
        first, steps = np.log(start), np.log(table)
    score, back = first, []
    for _ in range(length - 1):
        every = score[:, None] + steps
        back.append(every.argmax(axis=0))
        score = every.max(axis=0)
    token = int(score.argmax())
    best = [token]
    for pointers in reversed(back):
        token = int(pointers[token])
        best.insert(0, token)
    token = int(first.argmax())
    greedy = first[token]
    for _ in range(length - 1):
        greedy += steps[token].max()
        token = int(steps[token].argmax())
    return best, (score.max() - greedy) / np.log(2)
"""
BEAM = """
def beam_search(step, state, token, length, beams, eos):
    running = [([], 0.0, state)]
    finished = []
    for t in range(length):
        candidates = []
        for tokens, score, state in running:
            last = tokens[-1] if tokens else token
            log_p, new_state = step(state, last)
            for v in range(len(log_p)):
                candidates.append((tokens + [v], score + float(log_p[v]), new_state))
        candidates.sort(key=lambda c: c[1], reverse=True)
        for tokens, score, _ in candidates[:beams]:
            if tokens[-1] == eos or t == length - 1:
                finished.append((tokens, score))
        running = [c for c in candidates if c[0][-1] != eos][:beams]
    finished.sort(key=lambda f: f[1], reverse=True)
    return finished[:beams]
"""
ARRAYS_BEAM = """
def beam_search(step, state, token, length, beams, eos):
    sequences, scores, states, last = [[]], np.zeros(1), [state], [token]
    done = []
    for t in range(length):
        results = [step(s, v) for s, v in zip(states, last)]
        states = [r[1] for r in results]
        total = scores[:, None] + np.stack([r[0] for r in results])
        V = total.shape[1]
        order = np.argsort(-total.ravel(), kind="stable")
        for index in order[:beams]:
            if index % V == eos or t == length - 1:
                done.append((sequences[index // V] + [int(index % V)], total.ravel()[index]))
        keep = [index for index in order if index % V != eos][:beams]
        sequences = [sequences[index // V] + [int(index % V)] for index in keep]
        states = [states[index // V] for index in keep]
        scores = total.ravel()[keep]
        last = [int(index % V) for index in keep]
    return sorted(done, key=lambda d: -d[1])[:beams]
"""

RIGHT = {
    "02.1": [
        written(GREEDY),
        written(SHORT_GREEDY),
        written("""
def greedy(scores):
    T, V = scores.shape
    tokens = np.zeros(T, dtype=np.int32)
    for t in range(T):
        for v in range(V):
            if scores[t, v] > scores[t, tokens[t]]:
                tokens[t] = v
    return tokens, np.take_along_axis(scores, tokens[:, None], axis=1).sum()
"""),
    ],
    "02.2": [
        written(LOG_P),
        written(SHORT_LOG_P),
        written("""
def log_probability(tokens, start, table):
    import math
    steps = [start[tokens[0]]] + [table[i][j] for i, j in zip(tokens, tokens[1:])]
    if min(steps) == 0:
        return -math.inf
    return math.fsum(math.log(p) for p in steps)
"""),
    ],
    "02.3": [
        written(TEMPERED),
        written("""
def tempered(logits, temperature):
    x = (logits - logits.max(dim=1, keepdim=True).values) / temperature
    return x.exp() / x.exp().sum(1, keepdim=True)
"""),
        written("""
def tempered(logits, temperature):
    rows = []
    for row in logits:
        rows.append(torch.exp(row / temperature - torch.logsumexp(row / temperature, dim=0)))
    return torch.stack(rows)
"""),
    ],
    "02.4": [
        written(TOP_K),
        written(TOP_K_MASK),
        written("""
def keep_top_k(logits, k):
    left = logits.copy()
    result = np.full_like(logits, -np.inf)
    rows = np.arange(len(logits))
    for _ in range(k):
        best = left.argmax(axis=-1)
        result[rows, best] = logits[rows, best]
        left[rows, best] = -np.inf
    return result
"""),
    ],
    "02.5": [
        written(RANK),
        written(SHORT_RANK),
        written("""
def rank(sequences, scores, eos, penalty):
    found = []
    for n in range(len(scores)):
        row = list(sequences[n])
        length = row.index(eos) + 1 if eos in row else len(row)
        found.append((-scores[n] / length**penalty, n))
    found.sort()
    return np.array([n for _, n in found]), np.array([-value for value, _ in found])
"""),
    ],
    "02.6": [
        written(NUCLEUS),
        written("""
def keep_nucleus(logits, p):
    sorted_logits, order = logits.sort(dim=-1, descending=True, stable=True)
    sums = sorted_logits.softmax(-1).cumsum(-1)
    drop = sums >= p
    drop[:, 1:] = drop[:, :-1].clone()
    drop[:, 0] = False
    return logits.masked_fill(drop.gather(1, order.argsort(1)), float("-inf"))
"""),
        written("""
def keep_nucleus(logits, p):
    probabilities = logits.softmax(-1)
    result = logits.clone()
    V = logits.shape[1]
    for b in range(len(logits)):
        for v in range(V):
            better = probabilities[b] > probabilities[b, v]
            better[:v] |= probabilities[b, :v] == probabilities[b, v]
            if probabilities[b, better].sum() >= p:
                result[b, v] = -torch.inf
    return result
"""),
    ],
    "02.7": [
        written(EXPAND),
        written(LISTED_EXPAND),
        written("""
def expand(scores, log_p):
    k, V = log_p.shape
    left = (scores[:, None] + log_p).double()
    parents, tokens, best = [], [], []
    taken = torch.zeros(k, V, dtype=torch.bool)
    for _ in range(k):
        top = left[~taken].max()
        parent, token = ((left == top) & ~taken).nonzero()[0]
        parents.append(parent), tokens.append(token), best.append(top)
        taken[parent, token] = True
    return torch.stack(parents), torch.stack(tokens), torch.stack(best)
"""),
    ],
    "02.8": [written(GAP), written(VITERBI)],
    "02.9": [
        written(BEAM),
        written(ARRAYS_BEAM),
        written("""
def beam_search(step, state, token, length, beams, eos):
    def search(running, finished, t):
        new = []
        for tokens, score, state in running:
            log_p, after = step(state, tokens[-1])
            best = np.argsort(-log_p, kind="stable")[: beams + 1]
            new += [(tokens + (int(v),), score + log_p[v], after) for v in best]
        new = sorted(new, key=lambda h: -h[1])
        if t == length:
            return finished + new[:beams]
        finished = finished + [h for h in new[:beams] if h[0][-1] == eos]
        running = [h for h in new if h[0][-1] != eos][:beams]
        if len(finished) >= beams and sorted(h[1] for h in finished)[-beams] >= running[0][1]:
            return finished
        return search(running, finished, t + 1)

    found = sorted(search([((token,), 0.0, state)], [], 1), key=lambda h: -h[1])
    return [(list(tokens[1:]), score) for tokens, score, _ in found[:beams]]
"""),
    ],
}
WRONG = {
    "02.1": {
        "the least probable token": changed(GREEDY, ("np.argmax(row)", "np.argmax(np.abs(row))")),
        "the best step for each token": written("def greedy(scores): return scores.argmax(axis=0), scores.max(axis=0).sum()"),
        "one token for every step": changed(GREEDY, ("np.argmax(row)", "np.argmax(scores.mean(axis=0))")),
        "ties to the larger id": changed(GREEDY, ("np.argmax(row)", "np.argsort(row, kind='stable')[-1]")),
        "tokens counted from 1": changed(GREEDY, ("tokens.append(best)", "tokens.append(best + 1)")),
        "scores in place of tokens": changed(
            SHORT_GREEDY, ("tokens = scores.argmax(axis=1)", "tokens = np.max(scores, axis=1)")
        ),
        "the mean score": changed(SHORT_GREEDY, ("max(axis=1).sum()", "max(axis=1).mean()")),
        "the probability": changed(GREEDY, ("float(total)", "float(np.exp(total))")),
        "probabilities added up": changed(GREEDY, ("total += row[best]", "total += np.exp(row[best])")),
        "the best step's score only": changed(SHORT_GREEDY, ("scores.max(axis=1).sum()", "scores.max()")),
        "log probabilities multiplied": changed(GREEDY, ("total = 0.0", "total = 1.0"), ("total += ", "total *= ")),
    },
    "02.2": {
        "the table transposed": changed(LOG_P, ("table[tokens[t - 1], tokens[t]]", "table[tokens[t], tokens[t - 1]]")),
        "the first token free": changed(LOG_P, ("np.log(start[tokens[0]])", "0.0")),
        "start at every step": changed(LOG_P, ("table[tokens[t - 1], tokens[t]]", "start[tokens[t]]")),
        "the last step left out": changed(LOG_P, ("range(1, len(tokens))", "range(1, len(tokens) - 1)")),
        "the first token after the last one": changed(
            LOG_P, ("np.log(start[tokens[0]])", "0.0"), ("range(1, len(tokens))", "range(len(tokens))")
        ),
        "the product before the logarithm": changed(
            LOG_P,
            ("np.log(start", "(start"),
            ("total += np.log(table[", "total *= (table["),
            ("float(total)", "float(np.log(total))"),
        ),
        "the probability": changed(SHORT_LOG_P, ("np.sum(np.log(p))", "np.prod(p)")),
        "probabilities added up": changed(SHORT_LOG_P, ("np.sum(np.log(p))", "np.log(np.sum(p))")),
        "bits": changed(LOG_P, ("np.log(", "np.log2(")),
        "the mean per token": changed(LOG_P, ("float(total)", "float(total) / len(tokens)")),
        "the sign turned round": changed(SHORT_LOG_P, ("return np.sum", "return -np.sum")),
        "the impossible made possible": changed(SHORT_LOG_P, ("np.log(p)", "np.log(p + 1e-12)")),
    },
    "02.3": {
        "multiplied by the temperature": changed(TEMPERED, ("logits / temperature", "logits * temperature")),
        "the temperature without effect": changed(
            TEMPERED,
            ("logits / temperature", "torch.softmax(logits, dim=-1) / temperature"),
            ("torch.softmax(scaled, dim=-1)", "scaled / scaled.sum(dim=-1, keepdim=True)"),
        ),
        "probabilities divided": written(
            "def tempered(logits, temperature): return torch.softmax(logits, dim=1) / temperature"
        ),
        "softmax twice": changed(TEMPERED, ("logits / temperature", "torch.softmax(logits, dim=-1) / temperature")),
        "softmax over the batch": changed(TEMPERED, ("dim=-1", "dim=0")),
        "one distribution for the whole batch": written("""
def tempered(logits, temperature):
    e = torch.exp((logits - logits.max()) / temperature)
    return e / e.sum()
"""),
        "logits in place of probabilities": changed(TEMPERED, ("torch.softmax(scaled, dim=-1)", "scaled")),
        "log probabilities": changed(TEMPERED, ("torch.softmax", "torch.log_softmax")),
        "powers of probabilities that do not sum to 1": written(
            "def tempered(logits, temperature): return torch.softmax(logits, -1).pow(1 / temperature)"
        ),
        "overflow": written(NAIVE_TEMPERED),
    },
    "02.4": {
        "0 in place of minus infinity": changed(TOP_K, ("np.full(logits.shape, -np.inf)", "np.zeros(logits.shape)")),
        "a large negative number": changed(TOP_K, ("-np.inf", "-1e9")),
        "all that equal the last one kept": written("""
def keep_top_k(logits, k):
    threshold = np.sort(logits, axis=1)[:, -k][:, None]
    return np.where(logits >= threshold, logits, -np.inf)
"""),
        "ties to the larger ids": changed(
            TOP_K,
            ('np.argsort(-logits[b], kind="stable")', 'np.argsort(logits[b], kind="stable")'),
            ("order[:k]", "order[-k:]"),
        ),
        "the k smallest kept": changed(TOP_K, ("np.argsort(-logits[b]", "np.argsort(logits[b]")),
        "the largest in size": changed(TOP_K, ("np.argsort(-logits[b]", "np.argsort(-np.abs(logits[b])")),
        "k of the whole batch": written("""
def keep_top_k(logits, k):
    flat = logits.flatten()
    best = np.argsort(-flat, kind="stable")[:k]
    result = np.full(flat.shape, -np.inf)
    result[best] = flat[best]
    return result.reshape(logits.shape)
"""),
        "k of each column": changed(
            TOP_K_MASK,
            ("axis=1, kind", "axis=0, kind"),
            ("np.arange(logits.shape[1])[None, :], axis=1", "np.arange(logits.shape[0])[:, None], axis=0"),
        ),
        "one too few": changed(TOP_K_MASK, ("rank < k", "rank + 1 < k")),
        "one too many": changed(TOP_K_MASK, ("rank < k", "rank <= k")),
        "the first k ids": changed(TOP_K, ("order[:k]", "np.arange(k)")),
        "the kept logits changed": changed(
            TOP_K, ("return result", "return result - np.log(np.exp(result).sum(axis=1, keepdims=True))")
        ),
    },
    "02.5": {
        "multiplied by the power": changed(RANK, ("score / length**penalty", "score * length**penalty")),
        "no normalisation": changed(RANK, ("score / length**penalty", "score")),
        "the penalty as a factor": changed(SHORT_RANK, ("scores / lengths**penalty", "scores / (lengths * penalty)")),
        "divided by the length, whatever the penalty": changed(RANK, ("length**penalty", "length")),
        "padding counted": written("""
def rank(sequences, scores, eos, penalty):
    values = scores / sequences.shape[1] ** penalty
    order = np.argsort(-values, kind="stable")
    return order, values[order]
"""),
        "the end token not counted": written("""
def rank(sequences, scores, eos, penalty):
    lengths = (sequences != eos).sum(axis=1)
    values = scores / lengths**penalty
    order = np.argsort(-values, kind="stable")
    return order, values[order]
"""),
        "one token more for a row that never ends": changed(
            SHORT_RANK, ("    lengths = np.minimum(lengths, sequences.shape[1])\n", "")
        ),
        "one token for a row that never ends": written("""
def rank(sequences, scores, eos, penalty):
    lengths = np.argmax(sequences == eos, axis=1) + 1
    values = scores / lengths**penalty
    order = np.argsort(-values, kind="stable")
    return order, values[order]
"""),
        "the worst first": changed(RANK, ("np.argsort(-values, kind", "np.argsort(values, kind")),
        "ties turned round": changed(RANK, ('np.argsort(-values, kind="stable")', 'np.argsort(values, kind="stable")[::-1]')),
        "values not in order": changed(SHORT_RANK, ("return order, values[order]", "return order, values")),
        "places in place of rows": changed(SHORT_RANK, ("return order,", "return np.argsort(order),")),
        "scores in place of values": changed(RANK, ("values[order]", "scores[order]")),
    },
    "02.6": {
        "the token that reaches p left out": changed(NUCLEUS, ("sums - values < p", "sums < p")),
        "one token too many": changed(
            NUCLEUS, ("    result =", "    keep = torch.cat([keep[:, :1], keep[:, :-1]], dim=1)\n    result =")
        ),
        "in the order of the ids": changed(
            NUCLEUS,
            (
                "torch.sort(probabilities, dim=-1, descending=True, stable=True)",
                "probabilities, torch.arange(logits.shape[1]).expand_as(logits)",
            ),
        ),
        "the mask not put back": changed(NUCLEUS, ("ids = order[b, keep[b]]", "ids = keep[b]")),
        "the answer in sorted order": changed(NUCLEUS, ("result[b, ids]", "result[b, keep[b]]")),
        "the least probable first": changed(NUCLEUS, ("descending=True", "descending=False")),
        "p as a threshold for each token": written(
            "def keep_nucleus(logits, p): return torch.where(torch.softmax(logits, -1) >= p, logits, -torch.inf)"
        ),
        "logits added up": changed(NUCLEUS, ("torch.softmax(logits, dim=-1)", "logits")),
        "0 in place of minus infinity": changed(NUCLEUS, ("torch.full_like(logits, -torch.inf)", "torch.zeros_like(logits)")),
        "a large negative number": changed(NUCLEUS, ("-torch.inf", "-1e4")),
        "the first row's size for every row": changed(NUCLEUS, ("keep[b]", "keep[0]")),
        "probabilities in place of logits": changed(NUCLEUS, ("return result", "return torch.softmax(result, dim=-1)")),
        "ties to the larger ids": changed(
            NUCLEUS,
            (
                "torch.sort(probabilities, dim=-1, descending=True, stable=True)",
                "torch.sort(probabilities, dim=-1, stable=True)",
            ),
            ("    sums", "    values, order = values.flip(1), order.flip(1)\n    sums"),
        ),
    },
    "02.7": {
        "one continuation for each hypothesis": written("""
def expand(scores, log_p):
    best, tokens = log_p.max(dim=1)
    return torch.arange(len(scores)), tokens, scores + best
"""),
        "one continuation for each hypothesis, sorted": written("""
def expand(scores, log_p):
    best, tokens = log_p.max(dim=1)
    total, parents = torch.sort(scores + best, descending=True, stable=True)
    return parents, tokens[parents], total
"""),
        "probabilities added": changed(EXPAND, ("scores.unsqueeze(1) + log_p", "scores.unsqueeze(1) + torch.exp(log_p)")),
        "log probabilities multiplied": changed(LISTED_EXPAND, ("scores[i] + log_p[i, v]", "scores[i] * log_p[i, v]")),
        "the old scores left out": changed(EXPAND, ("scores.unsqueeze(1) + log_p", "log_p")),
        "the last step's log probabilities returned": changed(
            EXPAND, ("index % V, values", "index % V, log_p[index // V, index % V]")
        ),
        "the worst": changed(EXPAND, ("descending=True", "descending=False")),
        "the worst of the best first": changed(LISTED_EXPAND, ("best = candidates[:k]", "best = candidates[:k][::-1]")),
        "parent and token exchanged": changed(EXPAND, ("index // V, index % V", "index % V, index // V")),
        "k in place of V": changed(EXPAND, ("index // V, index % V", "index // k, index % k")),
        "places in place of tokens": changed(EXPAND, ("index // V, index % V", "index // V, index")),
        "ties to the smaller token first": written("""
def expand(scores, log_p):
    k, V = log_p.shape
    candidates = []
    for v in range(V):
        for i in range(k):
            candidates.append((scores[i] + log_p[i, v], i, v))
    candidates.sort(key=lambda c: -c[0])
    values, parents, tokens = zip(*candidates[:k])
    return torch.tensor(parents), torch.tensor(tokens), torch.tensor(values)
"""),
        "ties to the later": changed(LISTED_EXPAND, ("key=lambda c: c[2], reverse=True)", "key=lambda c: c[2])[::-1]")),
        "each token once": written("""
def expand(scores, log_p):
    k, V = log_p.shape
    total, parents = (scores[:, None] + log_p).max(dim=0)
    values, tokens = torch.sort(total, descending=True, stable=True)
    if k > V:
        values = torch.cat([values, torch.full((k - V,), -torch.inf)])
        tokens = torch.cat([tokens, torch.zeros(k - V, dtype=torch.int64)])
    return parents[tokens[:k]], tokens[:k], values[:k]
"""),
    },
    "02.8": {
        "nats": changed(GAP, ("np.log2", "np.log")),
        "the gap turned round": changed(GAP, ("log_p(best) - log_p(greedy)", "log_p(greedy) - log_p(best)")),
        "the ratio": changed(GAP, ("log_p(best) - log_p(greedy)", "np.exp2(log_p(best)) / np.exp2(log_p(greedy))")),
        "the difference of probabilities": changed(GAP, ("np.log2(p)", "p")),
        "the gap per token": changed(VITERBI, ("/ np.log(2)", "/ np.log(2) / length")),
        "the bits of the best alone": changed(GAP, ("log_p(best) - log_p(greedy)", "-log_p(best)")),
        "greedy taken for the best": changed(GAP, ("return list(best)", "best = greedy\n    return list(best)")),
        "the greedy sequence returned": changed(GAP, ("return list(best)", "return greedy")),
        "no token twice": changed(GAP, ("in product(range(V), repeat=length)", "in permutations(range(V), length)")),
        "no token after a larger one": changed(
            GAP, ("in product(range(V), repeat=length)", "in combinations_with_replacement(range(V), length)")
        ),
        "greedy without a memory": changed(GAP, ("table[greedy[-1]]", "start")),
        "the table transposed": changed(GAP, ("    from itertools", "    table = table.T\n    from itertools")),
        "the least probable": changed(GAP, ("value > highest", "value < highest")),
    },
    "02.9": {
        "the state of another hypothesis": changed(
            ARRAYS_BEAM,
            ("states = [states[index // V] for index in keep]", "states = (states + [states[-1]] * beams)[: len(keep)]"),
        ),
        "one state for all": changed(
            BEAM,
            (
                "        candidates.sort",
                "        candidates = [(tokens, score, new_state) for tokens, score, _ in candidates]\n        candidates.sort",
            ),
        ),
        "one continuation for each hypothesis": changed(
            BEAM,
            (
                "            for v in range(len(log_p)):",
                "            for v in range(len(log_p)) if t == 0 else [int(np.argmax(log_p))]:",
            ),
        ),
        "finished hypotheses go on": changed(
            BEAM,
            ("tokens[-1] == eos or t == length - 1", "t == length - 1"),
            ("[c for c in candidates if c[0][-1] != eos][:beams]", "candidates[:beams]"),
        ),
        "finished hypotheses take a place": changed(
            BEAM, ("[c for c in candidates if c[0][-1] != eos][:beams]", "[c for c in candidates[:beams] if c[0][-1] != eos]")
        ),
        "finished hypotheses lost": changed(BEAM, ("tokens[-1] == eos or t == length - 1", "t == length - 1")),
        "every end token finishes": changed(
            BEAM,
            ("for tokens, score, _ in candidates[:beams]:", "for i, (tokens, score, _) in enumerate(candidates):"),
            ("or t == length - 1", "or (t == length - 1 and i < beams)"),
        ),
        "stopped too soon": changed(
            BEAM, ("    finished.sort", "        if len(finished) >= beams:\n            break\n    finished.sort")
        ),
        "probabilities added": changed(BEAM, ("score + float(log_p[v])", "score + float(np.exp(log_p[v]))")),
        "the last step's log probability for a score": changed(BEAM, ("score + float(log_p[v])", "float(log_p[v])")),
        "the start token many times over": changed(BEAM, ("[([], 0.0, state)]", "[([], 0.0, state) for _ in range(beams)]")),
        "ranked by the mean per token": changed(
            BEAM, ("finished.sort(key=lambda f: f[1],", "finished.sort(key=lambda f: f[1] / len(f[0]),")
        ),
        "the end token left off": changed(
            BEAM,
            (
                "return finished[:beams]",
                "return [([v for v in tokens if v != eos], score) for tokens, score in finished[:beams]]",
            ),
        ),
        "the start token in front": changed(
            ARRAYS_BEAM, ("sequences, scores, states, last = [[]]", "sequences, scores, states, last = [[token]]")
        ),
        "the worst first": changed(
            BEAM, ("    finished.sort(key=lambda f: f[1], reverse=True)", "    finished.sort(key=lambda f: f[1])")
        ),
    },
}

SLOPPY = {  # no misconception of the list, but wrong
    "02.1": {
        "all zeros": changed(GREEDY, ("np.argmax(row)", "0")),
        "tokens only": changed(GREEDY, ("np.array(tokens), float(total)", "np.array(tokens)")),
        "score first": changed(GREEDY, ("np.array(tokens), float(total)", "float(total), np.array(tokens)")),
        "the second best": changed(GREEDY, ("np.argmax(row)", "np.argsort(row)[-2]")),
        "a list": changed(GREEDY, ("np.array(tokens)", "tokens")),
        "the scores of all steps": changed(SHORT_GREEDY, (".sum()", "")),
        "the sum of everything": changed(SHORT_GREEDY, ("scores.max(axis=1).sum()", "scores.sum()")),
        "the last step left out": changed(GREEDY, ("for row in scores:", "for row in scores[:-1]:")),
        "the first step left out": changed(GREEDY, ("for row in scores:", "for row in scores[1:]:")),
        "the last step's score": changed(GREEDY, ("total += ", "total = ")),
        "the sign": changed(GREEDY, ("float(total)", "-float(total)")),
        "turned round": changed(GREEDY, ("np.array(tokens)", "np.array(tokens[::-1])")),
        "bits": changed(GREEDY, ("float(total)", "float(total / np.log(2))")),
        "floating-point tokens": changed(GREEDY, ("np.array(tokens)", "np.array(tokens, dtype=float)")),
        "sampled": changed(GREEDY, ("np.argmax(row)", "np.random.choice(len(row), p=np.exp(row) / np.exp(row).sum())")),
        "a column": changed(SHORT_GREEDY, ("return tokens,", "return tokens[:, None],")),
        "wrong for one step": changed(SHORT_GREEDY, ("return tokens,", "return tokens.squeeze(),")),
        "normalised again": changed(
            SHORT_GREEDY, (".max(axis=1).sum()", ".max(axis=1).sum() - np.log(np.exp(scores).sum(1)).sum() - 0.01")
        ),
        "no token twice running": changed(
            GREEDY,
            (
                "best = int(np.argmax(row))",
                "best = int(np.argmax([-99 if tokens and v == tokens[-1] else s for v, s in enumerate(row)]))",
            ),
        ),
        "the first eight tokens": changed(SHORT_GREEDY, ("scores.argmax(axis=1)", "scores[:, :3].argmax(axis=1)")),
        "an impossible step": changed(GREEDY, ("float(total)", "float(total) if len(tokens) > 1 else 0.0")),
    },
    "02.2": {
        "zero": written("def log_probability(tokens, start, table): return 0.0"),
        "each step": changed(SHORT_LOG_P, ("np.sum(np.log(p))", "np.log(p)")),
        "the first step only": changed(LOG_P, ("range(1, len(tokens))", "range(0)")),
        "the last step only": changed(LOG_P, ("total += ", "total = ")),
        "start twice": changed(LOG_P, ("np.log(start[tokens[0]])", "2 * np.log(start[tokens[0]])")),
        "start of the last token": changed(LOG_P, ("start[tokens[0]]", "start[tokens[-1]]")),
        "two tokens back": changed(LOG_P, ("tokens[t - 1]", "tokens[max(t - 2, 0)]")),
        "in base 10": changed(LOG_P, ("np.log(", "np.log10(")),
        "NaN for the impossible": changed(LOG_P, ("float(total)", "float(total) if total > -np.inf else float('nan')")),
        "plus infinity for the impossible": changed(LOG_P, ("float(total)", "float(total) if total > -np.inf else np.inf")),
        "zero for the impossible": changed(LOG_P, ("float(total)", "float(total) if total > -np.inf else 0.0")),
        "zeros passed over": changed(SHORT_LOG_P, ("np.sum(np.log(p))", "np.sum(np.log(p[p > 0]))")),
        "None for the impossible": changed(LOG_P, ("float(total)", "float(total) if total > -np.inf else None")),
        "a large number for the impossible": changed(
            SHORT_LOG_P, ("np.log(p)", "np.maximum(np.log(np.maximum(p, 1e-300)), -1e9)")
        ),
        "the product in pieces": changed(
            SHORT_LOG_P, ("np.sum(np.log(p))", "sum(np.log(np.prod(piece)) for piece in np.array_split(p, 2))")
        ),
        "normalised by start": changed(LOG_P, ("float(total)", "float(total) - np.log(start.max())")),
        "a whole number": changed(LOG_P, ("float(total)", "int(max(total, -1e9))")),
        "an array": changed(SHORT_LOG_P, ("np.sum(np.log(p))", "np.sum(np.log(p), keepdims=True)")),
        "each kind of step once": changed(LOG_P, ("range(1, len(tokens))", "[t for t in range(1, len(tokens)) if t < 20]")),
        "the row's best": changed(LOG_P, ("table[tokens[t - 1], tokens[t]]", "table[tokens[t - 1]].max()")),
        "turned round": changed(SHORT_LOG_P, ("    p =", "    tokens = tokens[::-1]\n    p =")),
        "sorted": changed(SHORT_LOG_P, ("    p =", "    tokens = np.sort(tokens)\n    p =")),
        "log1p": changed(SHORT_LOG_P, ("np.log(p)", "np.log1p(p)")),
        "rounding of small ones": changed(SHORT_LOG_P, ("np.log(p)", "np.log(np.round(p, 2))")),
        "fails for one token": changed(LOG_P, ("    return", "    assert len(tokens) > 1\n    return")),
    },
    "02.3": {
        "the logits": written("def tempered(logits, temperature): return logits"),
        "even": written("def tempered(logits, temperature): return torch.ones_like(logits) / logits.shape[1]"),
        "the square of the temperature": changed(TEMPERED, ("logits / temperature", "logits / temperature**2")),
        "the root of the temperature": changed(TEMPERED, ("logits / temperature", "logits / temperature**0.5")),
        "subtracted, then doubled": changed(TEMPERED, ("logits / temperature", "(logits - temperature) * 2")),
        "the sign": changed(TEMPERED, ("logits / temperature", "-logits / temperature")),
        "one more": changed(TEMPERED, ("logits / temperature", "logits / (1 + temperature)")),
        "never sharper": changed(TEMPERED, ("logits / temperature", "logits / max(temperature, 1.0)")),
        "never flatter": changed(TEMPERED, ("logits / temperature", "logits / min(temperature, 1.0)")),
        "a sigmoid": changed(TEMPERED, ("torch.softmax(scaled, dim=-1)", "torch.sigmoid(scaled)")),
        "arrays": changed(TEMPERED, ("torch.softmax(scaled, dim=-1)", "torch.softmax(scaled, dim=-1).numpy()")),
        "transposed": changed(TEMPERED, ("torch.softmax(scaled, dim=-1)", "torch.softmax(scaled, dim=-1).T")),
        "sampled": changed(TEMPERED, ("torch.softmax(scaled, dim=-1)", "torch.multinomial(torch.softmax(scaled, dim=-1), 1)")),
        "the best only": changed(
            TEMPERED, ("torch.softmax(scaled, dim=-1)", "(scaled == scaled.max(-1, keepdim=True).values).float()")
        ),
        "the first row for all": changed(
            TEMPERED, ("return torch.softmax(scaled, dim=-1)", "return torch.softmax(scaled, dim=-1)[:1].expand_as(logits)")
        ),
        "clamped": changed(TEMPERED, ("logits / temperature", "(logits / temperature).clamp(-2, 2)")),
        "overflow taken care of by clamping": changed(
            NAIVE_TEMPERED, ("logits / temperature", "(logits / temperature).clamp(max=80)")
        ),
        "NaN made zero": changed(
            NAIVE_TEMPERED, ("return e / e.sum(dim=1, keepdim=True)", "return torch.nan_to_num(e / e.sum(dim=1, keepdim=True))")
        ),
        "smoothed": changed(
            TEMPERED, ("torch.softmax(scaled, dim=-1)", "0.99 * torch.softmax(scaled, dim=-1) + 0.01 / logits.shape[1]")
        ),
        "divided by the largest": changed(
            TEMPERED,
            (
                "torch.softmax(scaled, dim=-1)",
                "torch.softmax(scaled, dim=-1) / torch.softmax(scaled, dim=-1).max(-1, keepdim=True).values",
            ),
        ),
        "wrong for a batch of one": changed(
            TEMPERED, ("torch.softmax(scaled, dim=-1)", "torch.softmax(scaled, dim=-1).squeeze()")
        ),
        "entropy": changed(
            TEMPERED, ("torch.softmax(scaled, dim=-1)", "-torch.softmax(scaled, dim=-1) * torch.log_softmax(scaled, dim=-1)")
        ),
    },
    "02.4": {
        "all": written("def keep_top_k(logits, k): return logits"),
        "nothing": written("def keep_top_k(logits, k): return np.full_like(logits, -np.inf)"),
        "the kept ones only": written("def keep_top_k(logits, k): return -np.sort(-logits, axis=1)[:, :k]"),
        "the ids": written("def keep_top_k(logits, k): return np.argsort(-logits, axis=1)[:, :k]"),
        "plus infinity": changed(TOP_K, ("-np.inf", "np.inf")),
        "NaN": changed(TOP_K, ("-np.inf", "np.nan")),
        "the mask": changed(TOP_K_MASK, ("np.where(rank < k, logits, -np.inf)", "rank < k")),
        "the k-th only": changed(TOP_K, ("order[:k]", "order[k - 1 : k]")),
        "the best only": changed(TOP_K, ("order[:k]", "order[:1]")),
        "all but the k best": changed(TOP_K, ("order[:k]", "order[k:]")),
        "sorted": changed(TOP_K, ("result[b, best] = logits[b, best]", "result[b, :k] = logits[b, best]")),
        "the first row's choice for all": changed(TOP_K, ("-logits[b], kind", "-logits[0], kind")),
        "the first row's threshold": written(
            "def keep_top_k(logits, k): return np.where(logits >= np.sort(logits[0])[-k], logits, -np.inf)"
        ),
        "above the k-th": written(
            "def keep_top_k(logits, k): return np.where(logits > np.sort(logits, 1)[:, [-k]], logits, -np.inf)"
        ),
        "ranks of the order": changed(TOP_K_MASK, ("rank < k", "order < k")),
        "probabilities": changed(TOP_K, ("return result", "e = np.exp(result)\n    return e / e.sum(1, keepdims=True)")),
        "equal ones": changed(TOP_K, ("= logits[b, best]", "= 0.0")),
        "whole numbers": changed(TOP_K, ("logits[b, best]\n", "np.round(logits[b, best])\n")),
        "distinct values": written("""
def keep_top_k(logits, k):
    result = np.full_like(logits, -np.inf)
    for b, row in enumerate(logits):
        keep = np.isin(row, np.unique(row)[-k:])
        result[b, keep] = row[keep]
    return result
"""),
        "at most half": changed(TOP_K, ("order[:k]", "order[:min(k, logits.shape[1] // 2)]")),
        "a tensor": changed(TOP_K, ("return result", "return torch.tensor(result)")),
        "wrong for a batch of one": changed(TOP_K, ("return result", "return result.squeeze()")),
        "at least two": changed(TOP_K, ("order[:k]", "order[:max(k, 2)]")),
        "a tenth of the range": written("""
def keep_top_k(logits, k):
    top = logits.max(1, keepdims=True)
    return np.where(logits > top - k, logits, -np.inf)
"""),
    },
    "02.5": {
        "order only": changed(RANK, ("return order, values[order]", "return order")),
        "values first": changed(RANK, ("return order, values[order]", "return values[order], order")),
        "Wu's form": changed(RANK, ("length**penalty", "((5 + length) / 6) ** penalty")),
        "the logarithm of the length": changed(RANK, ("length**penalty", "np.log(1 + length) ** penalty")),
        "the exponential": changed(RANK, ("length**penalty", "np.exp(penalty * length)")),
        "added": changed(RANK, ("score / length**penalty", "score + penalty * length")),
        "the score to the power": changed(RANK, ("score / length**penalty", "-((-score) ** penalty) / length")),
        "the sum of tokens": changed(
            SHORT_RANK, ("lengths = np.minimum(lengths, sequences.shape[1])", "lengths = sequences.sum(1) + 1")
        ),
        "end tokens counted": changed(
            SHORT_RANK,
            ("lengths = np.minimum(lengths, sequences.shape[1])", "lengths = np.maximum((sequences == eos).sum(1), 1)"),
        ),
        "the last end token": changed(
            SHORT_RANK,
            ("np.minimum(lengths, sequences.shape[1])", "sequences.shape[1] - np.argmax(sequences[:, ::-1] == eos, axis=1)"),
        ),
        "the end token is 0": changed(SHORT_RANK, ("sequences == eos", "sequences == 0")),
        "the largest token is the end": changed(SHORT_RANK, ("sequences == eos", "sequences == sequences.max()")),
        "rows that never end left out": changed(
            SHORT_RANK, ("    return order", "    order = order[(sequences == eos).any(1)[order]]\n    return order")
        ),
        "rows that never end are worst": changed(
            SHORT_RANK, ("    order =", "    values[~(sequences == eos).any(1)] *= 9\n    order =")
        ),
        "unsorted": changed(SHORT_RANK, ('np.argsort(-values, kind="stable")', "np.arange(len(values))")),
        "sorted by score": changed(SHORT_RANK, ("np.argsort(-values,", "np.argsort(-scores,")),
        "sorted by length": changed(SHORT_RANK, ("np.argsort(-values,", "np.argsort(lengths,")),
        "sorted by size": changed(SHORT_RANK, ("np.argsort(-values,", "np.argsort(-np.abs(values),")),
        "the best only": changed(RANK, ("return order, values[order]", "return order[:1], values[order][:1]")),
        "the sign": changed(RANK, ("return order, values[order]", "return order, -values[order]")),
        "lists": changed(RANK, ("return order, values[order]", "return order.tolist(), values[order].tolist()")),
        "probabilities": changed(RANK, ("return order, values[order]", "return order, np.exp(values[order])")),
        "pairs": changed(RANK, ("return order, values[order]", "return np.stack([order, values[order]])")),
        "a length more": changed(RANK, ("length**penalty", "(length + 1) ** penalty")),
        "wrong at penalty 0": changed(RANK, ("length**penalty", "length ** (penalty or 1)")),
        "never above 1": changed(RANK, ("length**penalty", "length ** min(penalty, 0.9)")),
    },
    "02.6": {
        "all": written("def keep_nucleus(logits, p): return logits"),
        "nothing": written("def keep_nucleus(logits, p): return torch.full_like(logits, -torch.inf)"),
        "the best only": changed(NUCLEUS, ("sums - values < p", "sums == values")),
        "at least two": changed(NUCLEUS, ("    result =", "    keep[:, :2] = True\n    result =")),
        "the rest": changed(NUCLEUS, ("keep = sums - values < p", "keep = sums - values >= p")),
        "one minus p": changed(NUCLEUS, ("- values < p", "- values < 1 - p")),
        "at least p of the best": written("""
def keep_nucleus(logits, p):
    q = logits.softmax(-1)
    return logits.masked_fill(q < p * q.max(-1, keepdim=True).values, -torch.inf)
"""),
        "below the threshold": written(
            "def keep_nucleus(logits, p): return logits.masked_fill(logits.softmax(-1) > p, -torch.inf)"
        ),
        "above 1 - p": written(
            "def keep_nucleus(logits, p): return logits.masked_fill(logits.softmax(-1) < 1 - p, -torch.inf)"
        ),
        "softmax over the batch": changed(NUCLEUS, ("softmax(logits, dim=-1)", "softmax(logits, dim=0)")),
        "sorted down the batch": changed(NUCLEUS, ("torch.cumsum(values, dim=-1)", "torch.cumsum(values, dim=0)")),
        "the whole batch reaches p": changed(
            NUCLEUS, ("torch.softmax(logits, dim=-1)", "torch.softmax(logits.flatten(), 0).view_as(logits)")
        ),
        "plus infinity": changed(NUCLEUS, ("-torch.inf", "torch.inf")),
        "renormalised": changed(NUCLEUS, ("return result", "return result.log_softmax(-1)")),
        "the mask": changed(NUCLEUS, ("return result", "return result.isfinite()")),
        "p of the tokens": changed(
            NUCLEUS,
            ("keep = sums - values < p", "keep = (torch.arange(logits.shape[1]) < p * logits.shape[1]).expand_as(logits)"),
        ),
        "equals all kept": written("""
def keep_nucleus(logits, p):
    q = logits.softmax(-1)
    values = q.sort(-1, descending=True).values
    count = (values.cumsum(-1) - values < p).sum(-1, keepdim=True)
    return logits.masked_fill(q < values.gather(1, count - 1) - 1e-6, -torch.inf)
"""),
        "the mask taken back the wrong way": changed(NUCLEUS, ("ids = order[b, keep[b]]", "ids = order[b].argsort()[keep[b]]")),
        "arrays": changed(NUCLEUS, ("return result", "return result.numpy()")),
        "wrong for a batch of one": changed(NUCLEUS, ("return result", "return result.squeeze()")),
        "log probabilities added": changed(
            NUCLEUS, ("sums - values < p", "values.log().cumsum(-1) - values.log() > np.log(p)")
        ),
        "the sum of squares": changed(
            NUCLEUS, ("torch.cumsum(values, dim=-1)", "torch.cumsum(values**2, dim=-1) + values - values**2")
        ),
        "three of each": changed(
            NUCLEUS, ("keep = sums - values < p", "keep = (torch.arange(logits.shape[1]) < 3).expand_as(logits)")
        ),
        "nothing where p is small": changed(NUCLEUS, ("- values < p", "- values < p - 0.1")),
    },
    "02.7": {
        "scores only": changed(EXPAND, ("index // V, index % V, values", "values")),
        "scores first": changed(EXPAND, ("index // V, index % V, values", "values, index // V, index % V")),
        "tokens first": changed(EXPAND, ("index // V, index % V, values", "index % V, index // V, values * 1.0")),
        "every continuation": changed(EXPAND, ("values[:k], index[:k]", "values, index")),
        "one too few": changed(EXPAND, ("values[:k], index[:k]", "values[: k - 1], index[: k - 1]")),
        "V of them": changed(EXPAND, ("values[:k], index[:k]", "values[:V], index[:V]")),
        "two always": changed(EXPAND, ("values[:k], index[:k]", "values[:2], index[:2]")),
        "the best k times": changed(EXPAND, ("values[:k], index[:k]", "values[:1].expand(k), index[:1].expand(k)")),
        "k of the best hypothesis": changed(
            EXPAND, ("    flat", "    total[torch.arange(k) != scores.argmax()] = -torch.inf\n    flat")
        ),
        "k of the first hypothesis": changed(EXPAND, ("    flat", "    total[1:] = -99.0\n    flat")),
        "subtracted": changed(EXPAND, ("scores.unsqueeze(1) + log_p", "scores.unsqueeze(1) - log_p")),
        "the mean": changed(EXPAND, ("scores.unsqueeze(1) + log_p", "(scores.unsqueeze(1) + log_p) / 2")),
        "probabilities returned": changed(EXPAND, ("index % V, values", "index % V, values.exp()")),
        "softmax once more": changed(EXPAND, ("    total =", "    log_p = (2 * log_p).log_softmax(-1)\n    total =")),
        "sorted by parent": changed(LISTED_EXPAND, ("best = candidates[:k]", "best = sorted(candidates[:k])")),
        "flat places for parents": changed(EXPAND, ("index // V, index % V", "index, index % V")),
        "tokens from 1": changed(EXPAND, ("index % V, values", "index % V + 1, values")),
        "floating-point parents": changed(EXPAND, ("index // V,", "index / V,")),
        "a list": changed(LISTED_EXPAND, ("    return torch", "    return best\n    return torch")),
        "infinite scores made NaN": changed(
            EXPAND, ("scores.unsqueeze(1) + log_p", "scores.unsqueeze(1) * 1.0 + log_p + 0 * scores.unsqueeze(1)")
        ),
        "scores to the columns": changed(EXPAND, ("scores.unsqueeze(1) + log_p", "scores.mean() + log_p")),
        "each parent at most twice": written("""
def expand(scores, log_p):
    k, V = log_p.shape
    values, tokens = log_p.sort(dim=1, descending=True, stable=True)
    total = (scores[:, None] + values[:, :2]).flatten()
    best, index = total.sort(descending=True, stable=True)
    return index[:k] // 2, tokens[:, :2].flatten()[index[:k]], best[:k]
"""),
        "ties as they come": changed(
            EXPAND, ("    flat = total.reshape(-1)", "    flat = total.reshape(-1) - 1e-3 * torch.arange(k * V).flip(0)")
        ),
        "only k tokens seen": changed(EXPAND, ("    flat", "    total[:, k:] = -torch.inf\n    flat")),
    },
    "02.8": {
        "the gap only": changed(GAP, ("return list(best), float", "return float")),
        "no gap": changed(GAP, ("log_p(best) - log_p(greedy)", "0.0")),
        "an array": changed(GAP, ("list(best)", "np.array(best)")),
        "turned round": changed(GAP, ("list(best)", "list(best)[::-1]")),
        "one token too many": changed(GAP, ("list(best)", "list(best) + [0]")),
        "the last step left out": changed(GAP, ("zip(tokens[:-1], tokens[1:])", "zip(tokens[:-2], tokens[1:-1])")),
        "the first step left out": changed(GAP, ("p = start[tokens[0]]", "p = 1.0")),
        "start added": changed(GAP, ("p = start[tokens[0]]", "p = 1 + start[tokens[0]]")),
        "the best first token alone": changed(
            GAP, ("in product(range(V), repeat=length)", "in product([int(np.argmax(start))], *[range(V)] * (length - 1))")
        ),
        "the last token forgotten": changed(
            GAP, ("in product(range(V), repeat=length)", "in product(range(V - 1), repeat=length)")
        ),
        "length 3": changed(GAP, ("repeat=length)", "repeat=3)")),
        "combined without the same twice running": changed(
            GAP,
            (
                "        if best",
                "        if any(a == b for a, b in zip(tokens, tokens[1:])):\n            continue\n        if best",
            ),
        ),
        "the most probable path by sums": changed(GAP, ("p = p * table", "p = p + table")),
        "the worst start for greedy": changed(GAP, ("int(np.argmax(start))", "int(np.argmin(start))")),
        "greedy from token 0": changed(GAP, ("[int(np.argmax(start))]", "[0]")),
        "greedy by columns": changed(GAP, ("table[greedy[-1]]", "table[:, greedy[-1]]")),
        "greedy one short": changed(GAP, ("range(length - 1)", "range(length - 2)")),
        "a square": changed(GAP, ("log_p(best) - log_p(greedy)", "(log_p(best) - log_p(greedy)) ** 2")),
        "in base 10": changed(GAP, ("np.log2", "np.log10")),
        "the second best": written(
            GAP.replace("    greedy = [", "    best = sorted(product(range(V), repeat=length), key=log_p)[-2]\n    greedy = [")
        ),
        "beam of two": written("""
def gap_to_greedy(start, table, length):
    beams = [([int(v)], start[v]) for v in np.argsort(-start)[:2]]
    greedy = beams[:1]
    for _ in range(length - 1):
        beams = [(s + [v], p * table[s[-1], v]) for s, p in beams[:1] for v in range(len(start))]
        beams = sorted(beams, key=lambda b: -b[1])[:2]
    return beams[0][0], 0.5
"""),
        "relative to the best": changed(GAP, ("log_p(best) - log_p(greedy)", "1 - log_p(best) / log_p(greedy)")),
        "an expectation": changed(GAP, ("log_p(best) - log_p(greedy)", "np.exp2(log_p(best)) * (log_p(best) - log_p(greedy))")),
        "fails for one token": changed(GAP, ("    V = len", "    assert length > 1\n    V = len")),
    },
    "02.9": {
        "nothing": written("def beam_search(step, state, token, length, beams, eos): return []"),
        "greedy": changed(BEAM, ("    running = [([]", "    beams = 1\n    running = [([]")),
        "the best only": changed(BEAM, ("return finished[:beams]", "return finished[:1]")),
        "all that finished": changed(BEAM, ("return finished[:beams]", "return finished")),
        "tokens only": changed(BEAM, ("return finished[:beams]", "return [f[0] for f in finished[:beams]]")),
        "scores only": changed(BEAM, ("return finished[:beams]", "return [f[1] for f in finished[:beams]]")),
        "score first": changed(BEAM, ("return finished[:beams]", "return [(s, t) for t, s in finished[:beams]]")),
        "the order of finishing": changed(BEAM, ("    finished.sort(key=lambda f: f[1], reverse=True)\n", "")),
        "the last step not forced to end": changed(BEAM, (" or t == length - 1", "")),
        "what still runs left out of nothing": changed(
            BEAM, ("finished.append((tokens, score))", "finished.insert(0, (tokens[:-1] + [eos], score))")
        ),
        "the start state at every step": changed(
            BEAM, ("step(state, last)", "step(first, last)"), ("    finished = []", "    finished, first = [], state")
        ),
        "the start token at every step": changed(BEAM, ("step(state, last)", "step(state, token)")),
        "the place for the token": changed(BEAM, ("step(state, last)", "step(state, t)")),
        "the state before": changed(BEAM, ("float(log_p[v]), new_state", "float(log_p[v]), state")),
        "one beam more": changed(BEAM, ("!= eos][:beams]", "!= eos][: beams + 1]")),
        "one beam less": changed(BEAM, ("!= eos][:beams]", "!= eos][: max(beams - 1, 1)]")),
        "all run on": changed(BEAM, ("if c[0][-1] != eos][:beams]", "if c[0][-1] != eos][: 3 * beams]")),
        "one step too few": changed(BEAM, ("length - 1", "length - 2"), ("range(length)", "range(length - 1)")),
        "one step too many": changed(BEAM, ("length - 1", "length"), ("range(length)", "range(length + 1)")),
        "token 0 ends": changed(BEAM, ("    running = [([]", "    eos = 0 if eos else 1\n    running = [([]")),
        "means as scores": changed(
            BEAM, ("finished.append((tokens, score))", "finished.append((tokens, score / len(tokens)))")
        ),
        "probabilities as scores": changed(
            BEAM, ("finished.append((tokens, score))", "finished.append((tokens, np.exp(score)))")
        ),
        "the score of the end left out": changed(
            BEAM, ("score + float(log_p[v])", "score + (0.0 if v == eos else float(log_p[v]))")
        ),
        "worst kept": changed(
            BEAM, ("candidates.sort(key=lambda c: c[1], reverse=True)", "candidates.sort(key=lambda c: c[1])")
        ),
        "stops at the first": changed(
            BEAM, ("    finished.sort", "        if finished:\n            break\n    finished.sort")
        ),
        "two of each parent": changed(BEAM, ("for v in range(len(log_p)):", "for v in np.argsort(-log_p)[:2].tolist():")),
        "each last token once": changed(
            BEAM,
            (
                "        for tokens, score, _ in",
                "        candidates = list({c[0][-1]: c for c in candidates[::-1]}.values())\n        for tokens, score, _ in",
            ),
            ("        running =", "        candidates.sort(key=lambda c: -c[1])\n        running ="),
        ),
        "fails where beams are more than tokens": changed(
            BEAM, ("        candidates.sort", "        assert len(candidates) >= beams\n        candidates.sort")
        ),
        "twice read": changed(
            BEAM,
            (
                "log_p, new_state = step(state, last)",
                "log_p, new_state = step(state, last)\n            _, new_state = step(new_state, last)",
            ),
        ),
        "floating-point tokens": changed(BEAM, ("tokens + [v]", "tokens + [float(v)]")),
    },
}
