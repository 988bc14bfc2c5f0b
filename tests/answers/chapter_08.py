"""Answers to the tasks of chapter 08."""

from answers import changed, written

MASKED = """
def masked_softmax(scores, mask):
    lowest = torch.finfo(scores.dtype).min
    filled = scores.masked_fill(~mask, lowest)
    weights = torch.softmax(filled, dim=-1)
    return weights * mask
"""
MASKED_BY_HAND = """
def masked_softmax(scores, mask):
    hidden = torch.where(mask, scores, torch.tensor(-1e30))
    largest = hidden.max(dim=-1, keepdim=True).values
    e = torch.exp(hidden - largest) * mask
    total = e.sum(dim=-1, keepdim=True)
    return e / torch.where(total == 0, torch.ones_like(total), total)
"""
INFINITE = """
def masked_softmax(scores, mask):
    filled = scores.masked_fill(~mask, float("-inf"))
    weights = torch.softmax(filled, dim=-1)
    return weights.masked_fill(~mask, 0.0)
"""
NAIVE = """
def masked_softmax(scores, mask):
    e = torch.exp(scores) * mask
    total = e.sum(dim=-1, keepdim=True)
    return e / (total + (total == 0))
"""
ADDITIVE = """
def additive_scores(query, key, W, U, v):
    q = query @ W
    k = key @ U
    hidden = torch.tanh(q.unsqueeze(2) + k.unsqueeze(1))
    return torch.matmul(hidden, v)
"""
LOOPED_ADDITIVE = """
def additive_scores(query, key, W, U, v):
    B, Q, K = query.shape[0], query.shape[1], key.shape[1]
    scores = torch.zeros(B, Q, K)
    for b in range(B):
        for i in range(Q):
            for j in range(K):
                scores[b, i, j] = v @ torch.tanh(query[b, i] @ W + key[b, j] @ U)
    return scores
"""
JOINED_ADDITIVE = """
def additive_scores(query, key, W, U, v):
    B, Q, K = query.shape[0], query.shape[1], key.shape[1]
    pairs = torch.cat([query[:, :, None].expand(-1, -1, K, -1), key[:, None].expand(-1, Q, -1, -1)], dim=-1)
    hidden = (pairs @ torch.cat([W, U])).tanh()
    return (hidden * v).sum(dim=3)
"""
CONTEXT = """
def context(scores, values):
    weights = torch.softmax(scores, dim=2)
    return torch.bmm(weights, values)
"""
LOOPED_CONTEXT = """
def context(scores, values):
    e = torch.exp(scores - scores.max(dim=-1, keepdim=True).values)
    total = 0
    for j in range(values.shape[1]):
        total = total + e[:, :, j, None] * values[:, None, j]
    return total / e.sum(dim=-1, keepdim=True)
"""
SUMMED_CONTEXT = """
def context(scores, values):
    weights = torch.softmax(scores, dim=-1)
    return (weights[:, :, :, None] * values[:, None, :, :]).sum(dim=2)
"""
DECODE = """
def decode(words, s0, look, gru):
    s = s0
    states = []
    weights = []
    for t in range(words.shape[1]):
        context, alpha = look(s)
        x = torch.cat([words[:, t], context], dim=-1)
        s = gru(x, s)
        states.append(s)
        weights.append(alpha)
    return torch.stack(states, dim=1), torch.stack(weights, dim=1)
"""
RECURSIVE_DECODE = """
def decode(words, s0, look, gru):
    if words.shape[1] == 0:
        return None
    context, alpha = look(s0)
    s = gru(torch.hstack([words[:, 0], context]), s0)
    rest = decode(words[:, 1:], s, look, gru)
    states, weights = s.unsqueeze(1), alpha.unsqueeze(1)
    if rest is None:
        return states, weights
    return torch.cat([states, rest[0]], dim=1), torch.cat([weights, rest[1]], dim=1)
"""
FILLED_DECODE = """
def decode(words, s0, look, gru):
    B, T, E = words.shape
    context, alpha = look(s0)
    states = torch.zeros(B, T + 1, s0.shape[1])
    weights = torch.zeros(B, T, alpha.shape[1])
    states[:, 0] = s0
    for t in range(T):
        context, weights[:, t] = look(states[:, t])
        states[:, t + 1] = gru(torch.cat((words[:, t], context), 1), states[:, t])
    return states[:, 1:], weights
"""
LOOK = """
def look(word, s, states, seen, W, U, v):
    query = torch.cat([word, s], dim=-1) @ W
    key = states @ U
    scores = torch.tanh(query[:, None] + key) @ v
    scores = scores.masked_fill(~seen, float("-inf"))
    return scores.softmax(dim=-1)
"""
LOOPED_LOOK = """
def look(word, s, states, seen, W, U, v):
    E = word.shape[1]
    query = word @ W[:E] + s @ W[E:]
    scores = torch.stack([((query + states[:, j] @ U).tanh() * v).sum(dim=1) for j in range(states.shape[1])], dim=1)
    e = torch.exp(scores - scores.max(dim=1, keepdim=True).values) * seen
    return e / e.sum(dim=1, keepdim=True)
"""
AS_FOUND = """
def look(word, s, states, seen, W, U, v):
    scores = torch.cat([word, s], dim=-1) @ W
    scores = scores[:, : states.shape[1]]
    return scores.masked_fill(~seen, -torch.inf).softmax(dim=-1)
"""
LOOKS = """
def looks_at_the_source(attention, query, keys, values):
    _, before = attention(query, keys, values)
    other = np.random.normal(size=keys.shape)
    _, after = attention(query, other, values)
    return not np.allclose(before, after)
"""
REVERSED = """
def looks_at_the_source(attention, query, keys, values):
    before = attention(query, keys, values)[1]
    after = attention(query, keys[:, ::-1].copy(), values)[1]
    return bool(np.abs(before - after).max() > 1e-6)
"""
SHIFTED = """
def looks_at_the_source(attention, query, keys, values):
    weights = [attention(query, np.roll(keys, shift, axis=1), values)[1] for shift in range(keys.shape[1])]
    return any(not np.allclose(weights[0], one) for one in weights[1:])
"""
AER = """
def alignment_error_rate(weights, sure, possible):
    A = S = AS = AP = 0
    for w, s, p in zip(weights, sure, possible):
        links = []
        for i in range(w.shape[0]):
            j = int(np.argmax(w[i]))
            links.append((j, i))
        A += len(links)
        S += len(s)
        for link in links:
            if link in s:
                AS += 1
            if link in p:
                AP += 1
    return 1 - (AS + AP) / (A + S)
"""
MATRICES = """
def alignment_error_rate(weights, sure, possible):
    above = below = 0
    for w, s, p in zip(weights, sure, possible):
        gold = np.zeros(w.shape)
        for links in (s, p):
            for j, i in links:
                gold[i, j] += 1
        best = w.argmax(axis=1)
        above += gold[np.arange(len(w)), best].sum()
        below += len(w) + len(s)
    return float(1 - above / below)
"""
SETS = """
def alignment_error_rate(weights, sure, possible):
    found = {(n, int(j), i) for n, w in enumerate(weights) for i, j in enumerate(w.argmax(1))}
    S = {(n, *link) for n, links in enumerate(sure) for link in links}
    P = {(n, *link) for n, links in enumerate(possible) for link in links}
    return 1 - (len(found & S) + len(found & P)) / (len(found) + len(S))
"""
RIGHT = {
    "08.1": [
        written(MASKED),
        written(MASKED_BY_HAND),
        written(INFINITE),
        changed(INFINITE, ("weights.masked_fill(~mask, 0.0)", "torch.nan_to_num(weights, nan=0.0)")),
        written("""
def masked_softmax(scores, mask):
    rows = []
    for row, seen in zip(scores.flatten(0, 1), mask.flatten(0, 1)):
        places = seen.nonzero()[:, 0]
        rows.append(torch.zeros_like(row).index_put((places,), torch.softmax(row[places], 0)))
    return torch.stack(rows).view(scores.shape)
"""),
    ],
    "08.2": [written(ADDITIVE), written(LOOPED_ADDITIVE), written(JOINED_ADDITIVE)],
    "08.3": [
        written(CONTEXT),
        written(LOOPED_CONTEXT),
        written(SUMMED_CONTEXT),
        written('def context(scores, values): return torch.einsum("bqk,bkd->bqd", F.log_softmax(scores, -1).exp(), values)'),
    ],
    "08.4": [written(DECODE), written(RECURSIVE_DECODE), written(FILLED_DECODE)],
    "08.5": [
        written(LOOK),
        written(LOOPED_LOOK),
        changed(
            LOOK, ("torch.tanh(query[:, None] + key) @ v", 'torch.einsum("bkp,p->bk", (query.unsqueeze(1) + key).tanh(), v)')
        ),
    ],
    "08.6": [
        written(LOOKS),
        written(REVERSED),
        written(SHIFTED),
        changed(LOOKS, ("np.random.normal(size=keys.shape)", "np.zeros_like(keys)")),
        changed(LOOKS, ("np.random.normal(size=keys.shape)", "-keys")),
        changed(LOOKS, ("not np.allclose(before, after)", "np.abs(before - after).sum() > 1e-4")),
        changed(LOOKS, ("attention(query, other, values)", "attention(query, other, other)")),
    ],
    "08.7": [written(AER), written(MATRICES), written(SETS)],
}
WRONG = {
    "08.1": {
        "the mask after the softmax": changed(INFINITE, ("torch.softmax(filled,", "torch.softmax(scores,")),
        "the mask turned round": changed(MASKED, ("masked_fill(~mask,", "masked_fill(mask,"), ("* mask", "* ~mask")),
        "softmax over the queries": changed(MASKED, ("dim=-1", "dim=1")),
        "hidden scores set to 0": changed(INFINITE, ('float("-inf")', "1e-9"), ("weights.masked_fill(~mask, 0.0)", "weights")),
        "one distribution for all queries": changed(
            MASKED_BY_HAND, ("e.sum(dim=-1, keepdim=True)", "e.sum(dim=(1, 2), keepdim=True)"), ("hidden - largest", "hidden")
        ),
        "the first query's mask for all": changed(
            MASKED,
            ("    lowest", "    mask = mask[:, 0].unsqueeze(1)\n    lowest"),
            ("weights * mask", "weights * mask.float()"),
        ),
        "weights that add up to 1 down the batch": changed(MASKED, ("dim=-1", "dim=0")),
        "the hidden scores in the softmax": written("""
def masked_softmax(scores, mask):
    weights = torch.softmax(scores, dim=-1) * mask
    return weights / (weights.sum(dim=-1, keepdim=True) + 1e-12)
"""),
        "even weights where nothing is seen": written("""
def masked_softmax(scores, mask):
    return torch.softmax(scores.masked_fill(~mask, -1e9), dim=-1)
"""),
        "a gradient that is not a number": written("""
def masked_softmax(scores, mask):
    bias = torch.zeros_like(scores).masked_fill(~mask, -torch.inf)
    weights = torch.softmax(scores + bias, dim=-1)
    return torch.nan_to_num(weights)
"""),
        "NaN where nothing is seen": changed(INFINITE, ("weights.masked_fill(~mask, 0.0)", "weights")),
        "overflow": written(NAIVE),
    },
    "08.2": {
        "tanh of the score": written("""
def additive_scores(query, key, W, U, v):
    q, k = query @ W, key @ U
    return torch.tanh((q.unsqueeze(2) + k.unsqueeze(1)) @ v)
"""),
        "tanh after the product with v": changed(
            JOINED_ADDITIVE, (".tanh()\n", "\n"), ("(hidden * v).sum", "torch.tanh(hidden * v).sum")
        ),
        "no tanh": changed(
            LOOPED_ADDITIVE, ("v @ torch.tanh(query[b, i] @ W + key[b, j] @ U)", "v @ (query[b, i] @ W + key[b, j] @ U)")
        ),
        "tanh of each alone": changed(
            ADDITIVE,
            ("query @ W", "torch.tanh(query @ W)"),
            ("key @ U", "torch.tanh(key @ U)"),
            ("hidden = torch.tanh(q", "hidden = (q"),
        ),
        "W and U exchanged": changed(ADDITIVE, ("query @ W", "query @ U"), ("key @ U", "key @ W")),
        "the key left out": changed(LOOPED_ADDITIVE, (" + key[b, j] @ U", "")),
        "the query left out": changed(LOOPED_ADDITIVE, ("query[b, i] @ W + ", "")),
        "all keys at once": changed(LOOPED_ADDITIVE, ("key[b, j] @ U", "(key[b] @ U).sum(0)")),
        "multiplied": changed(ADDITIVE, ("q.unsqueeze(2) + k", "q.unsqueeze(2) * k")),
        "v left out": changed(JOINED_ADDITIVE, ("(hidden * v)", "hidden")),
        "keys before queries": changed(ADDITIVE, ("q.unsqueeze(2) + k.unsqueeze(1)", "q.unsqueeze(1) + k.unsqueeze(2)")),
        "weights in place of scores": changed(ADDITIVE, ("torch.matmul(hidden, v)", "torch.softmax(hidden @ v, dim=-1)")),
    },
    "08.3": {
        "weights that add up to 1 over the queries": changed(CONTEXT, ("dim=2", "dim=1")),
        "the scores for weights": written("def context(scores, values): return scores @ values"),
        "weights that do not add up to 1": written("def context(scores, values): return torch.exp(scores) @ values"),
        "the best value alone": written("""
def context(scores, values):
    best = scores.argmax(dim=-1)
    return torch.stack([values[b, best[b]] for b in range(len(values))])
"""),
        "the largest weighted entry": changed(SUMMED_CONTEXT, (".sum(dim=2)", ".max(dim=2).values")),
        "all values alike": written("""
def context(scores, values):
    return values.mean(dim=1, keepdim=True).expand(-1, scores.shape[1], -1)
"""),
        "divided once more": changed(SUMMED_CONTEXT, (".sum(dim=2)", ".mean(dim=2)")),
        "softmax twice": changed(CONTEXT, ("    return", "    weights = torch.softmax(weights, dim=2)\n    return")),
        "one context for all queries": changed(
            CONTEXT,
            ("torch.bmm(weights, values)", "torch.bmm(weights, values).mean(1, keepdim=True).repeat(1, scores.shape[1], 1)"),
        ),
        "the first query's context": changed(
            LOOPED_CONTEXT,
            ("    total = 0", "    e = e[:, :1]\n    total = 0"),
            (
                "return total / e.sum(dim=-1, keepdim=True)",
                "return (total / e.sum(-1, keepdim=True)).repeat(1, scores.shape[1], 1)",
            ),
        ),
        "the first sequence's values": changed(CONTEXT, ("torch.bmm(weights, values)", "weights @ values[0]")),
        "overflow": changed(LOOPED_CONTEXT, ("scores - scores.max(dim=-1, keepdim=True).values", "scores")),
    },
    "08.4": {
        "the new state asks": written("""
def decode(words, s0, look, gru):
    s = s0
    context = torch.zeros(look(s0)[0].shape)
    states, weights = [], []
    for word in words.transpose(0, 1):
        s = gru(torch.cat([word, context], dim=1), s)
        context, alpha = look(s)
        states.append(s)
        weights.append(alpha)
    return torch.stack(states, dim=1), torch.stack(weights, dim=1)
"""),
        "the weights of the next step": changed(
            DECODE, ("        states.append", "        _, alpha = look(s)\n        states.append")
        ),
        "the start state asks at every step": changed(DECODE, ("look(s)", "look(s0)")),
        "the context forgotten": changed(DECODE, ("context], dim", "torch.zeros_like(context)], dim")),
        "the context before the word": changed(DECODE, ("[words[:, t], context]", "[context, words[:, t]]")),
        "the state not carried on": changed(DECODE, ("gru(x, s)", "gru(x, s0)")),
        "the first word at every step": changed(DECODE, ("words[:, t]", "words[:, 0]")),
        "the last word first": changed(DECODE, ("in range(words.shape[1])", "in reversed(range(words.shape[1]))")),
        "each step taken twice": changed(DECODE, ("gru(x, s)", "gru(x, gru(x, s))")),
        "contexts added up": changed(
            DECODE,
            ("    states = []", "    total = 0\n    states = []"),
            ("        x =", "        total = total + context\n        x ="),
            (", context]", ", total]"),
        ),
        "the start state among the answers": changed(FILLED_DECODE, ("states[:, 1:]", "states[:, :-1]")),
        "time before batch": changed(DECODE, ("dim=1", "dim=0")),
        "the last step only": changed(
            DECODE, ("torch.stack(states, dim=1), torch.stack(weights, dim=1)", "states[-1], weights[-1]")
        ),
    },
    "08.5": {
        "the fault as it was found": written(AS_FOUND),
        "a score that belongs to a place": changed(
            LOOPED_LOOK,
            ("    scores =", "    query = query + (states @ U).mean(dim=1)\n    scores ="),
            ("[((query + states[:, j] @ U).tanh() * v).sum(dim=1) for", "[query.tanh()[:, j % 10] for"),
        ),
        "the word left out": changed(LOOPED_LOOK, ("word @ W[:E] + s @ W[E:]", "s @ W[E:]")),
        "the decoder's state left out": changed(LOOPED_LOOK, ("word @ W[:E] + s @ W[E:]", "word @ W[:E]")),
        "nobody asks": changed(LOOK, ("query[:, None] + key", "key")),
        "the state before the word": changed(LOOK, ("[word, s]", "[s, word]")),
        "no tanh": changed(LOOK, ("torch.tanh(query[:, None] + key) @ v", "(query[:, None] + key) @ v")),
        "tanh of the score": changed(LOOK, ("torch.tanh(query[:, None] + key) @ v", "torch.tanh((query[:, None] + key) @ v)")),
        "v left out": changed(LOOPED_LOOK, (".tanh() * v)", ".tanh())")),
        "multiplied": changed(LOOK, ("query[:, None] + key", "query[:, None] * key")),
        "padding looked at": changed(LOOPED_LOOK, (" * seen", "")),
        "weights that add up to less than 1": changed(
            LOOK,
            ('    scores = scores.masked_fill(~seen, float("-inf"))\n', ""),
            ("scores.softmax(dim=-1)", "scores.softmax(-1) * seen"),
        ),
        "no more places than columns": changed(
            LOOK, ("    key = states @ U", "    key = states[:, : W.shape[1]] @ U\n    seen = seen[:, : W.shape[1]]")
        ),
        "scores in place of weights": changed(LOOK, ("scores.softmax(dim=-1)", "scores")),
    },
    "08.6": {
        "turned round": changed(LOOKS, ("return not np", "return np")),
        "the context compared": changed(
            LOOKS,
            ("_, before = attention(query, keys, values)", "before, _ = attention(query, keys, values)"),
            ("_, after = attention(query, other, values)", "after, _ = attention(query, keys, values + 1)"),
        ),
        "another question": changed(
            LOOKS,
            ("size=keys.shape", "size=query.shape"),
            ("attention(query, other, values)", "attention(other, keys, values)"),
        ),
        "the same added to every key": changed(LOOKS, ("np.random.normal(size=keys.shape)", "keys - 0.5")),
        "longer keys": changed(LOOKS, ("np.random.normal(size=keys.shape)", "10 * keys")),
        "a small nudge": changed(
            LOOKS, ("np.random.normal(size=keys.shape)", "keys + 1e-4 * np.random.normal(size=keys.shape)")
        ),
        "one key changed": changed(
            LOOKS, ("other = np.random.normal(size=keys.shape)", "other = keys.copy()\n    other[:, 0] = 0")
        ),
        "equal to the last bit": changed(LOOKS, ("not np.allclose(before, after)", "bool((before != after).any())")),
        "uneven weights": written("""
def looks_at_the_source(attention, query, keys, values):
    context, weights = attention(query, keys, values)
    return not np.allclose(weights, 1 / keys.shape[1])
"""),
        "weights that move with the keys": changed(
            REVERSED, ("bool(np.abs(before - after).max() > 1e-6)", "np.allclose(before, after[:, :, ::-1])")
        ),
    },
    "08.7": {
        "each source word its best target": changed(
            AER, ("w.shape[0]", "w.shape[1]"), ("w[i]", "w[:, i]"), ("(j, i)", "(i, j)")
        ),
        "links turned round": changed(AER, ("links.append((j, i))", "links.append((i, j))")),
        "agreement, not error": changed(AER, ("1 - (AS + AP)", "(AS + AP)")),
        "precision alone": changed(AER, ("(AS + AP) / (A + S)", "AP / A")),
        "recall alone": changed(AER, ("(AS + AP) / (A + S)", "AS / S")),
        "sure links only": changed(AER, ("(AS + AP)", "2 * AS")),
        "possible links only": changed(AER, ("(AS + AP)", "2 * AP"), ("S += len(s)", "S += len(p)")),
        "sure and possible exchanged": changed(SETS, ("len(found) + len(S)", "len(found) + len(P)")),
        "a sure link found counts once": changed(AER, ("if link in p", "elif link in p")),
        "the harmonic mean": changed(
            AER,
            ("return 1 - (AS + AP) / (A + S)", "P, R = AP / A, AS / S\n    return 1 - 2 * P * R / (P + R)"),
        ),
        "the mean over sentences": changed(
            AER,
            ("    A = S = AS = AP = 0\n    for", "    rates = []\n    for"),
            ("        links = []", "        A = S = AS = AP = 0\n        links = []"),
            (
                "    return 1 - (AS + AP) / (A + S)",
                "        rates.append(1 - (AS + AP) / (A + S))\n    return float(np.mean(rates))",
            ),
        ),
        "weights above a half": changed(
            AER, ("            links.append", "            if w[i, j] > 0.5:\n                links.append")
        ),
        "ties to the later": changed(AER, ("int(np.argmax(w[i]))", "int(np.flatnonzero(w[i] == w[i].max())[-1])")),
    },
}
SLOPPY = {  # no misconception of the list, but wrong
    "08.1": {
        "as they are": written("def masked_softmax(scores, mask): return scores"),
        "no mask": written("def masked_softmax(scores, mask): return scores.softmax(-1)"),
        "even": written("def masked_softmax(scores, mask): return mask / mask.sum(-1, keepdim=True)"),
        "the best alone": changed(
            MASKED, ("return weights * mask", "return (weights == weights.amax(-1, keepdim=True)) * 1.0 * mask")
        ),
        "not low enough": changed(
            MASKED, ("torch.finfo(scores.dtype).min", "-20.0"), ("return weights * mask", "return weights")
        ),
        "low enough for small scores": changed(INFINITE, ('float("-inf")', "-100.0")),
        "log weights": changed(MASKED, ("torch.softmax", "torch.log_softmax")),
        "scores limited": changed(NAIVE, ("torch.exp(scores)", "torch.exp(scores.clamp(max=50))")),
        "the last key hidden": changed(
            MASKED, ("    lowest", "    mask = mask.clone()\n    mask[..., -1] = False\n    lowest")
        ),
        "a small number below": changed(
            MASKED_BY_HAND, ("return e / torch.where", "return e / (total + 0.01) + 0 * torch.where")
        ),
        "the gradient cut": changed(MASKED, ("torch.softmax(filled,", "torch.softmax(filled.detach(),")),
        "an array": changed(MASKED, ("return weights * mask", "return (weights * mask).detach().numpy()")),
        "booleans": changed(MASKED, ("return weights * mask", "return mask")),
        "wrong for a batch of one": changed(MASKED, ("return weights * mask", "return (weights * mask).squeeze()")),
        "the mean over the queries": changed(MASKED, ("return weights * mask", "return (weights * mask).mean(1)")),
        "fails where nothing is seen": changed(MASKED, ("    lowest", "    assert mask.any(-1).all()\n    lowest")),
    },
    "08.2": {
        "zeros": written(
            "def additive_scores(query, key, W, U, v): return torch.zeros(len(query), query.shape[1], key.shape[1])"
        ),
        "products": written("def additive_scores(query, key, W, U, v): return (query @ W) @ (key @ U).mT"),
        "relu": changed(ADDITIVE, ("torch.tanh", "torch.relu")),
        "sigmoid": changed(ADDITIVE, ("torch.tanh", "torch.sigmoid")),
        "scaled": changed(ADDITIVE, ("torch.matmul(hidden, v)", "torch.matmul(hidden, v) / len(v) ** 0.5")),
        "subtracted": changed(ADDITIVE, ("q.unsqueeze(2) + k", "q.unsqueeze(2) - k")),
        "the hidden units": changed(ADDITIVE, ("torch.matmul(hidden, v)", "hidden")),
        "an axis left": changed(ADDITIVE, ("torch.matmul(hidden, v)", "torch.matmul(hidden, v[:, None])")),
        "the mean of the units": changed(JOINED_ADDITIVE, ("sum(dim=3)", "mean(dim=3)")),
        "the first query for all": changed(ADDITIVE, ("query @ W", "query[:, :1].expand_as(query) @ W")),
        "the first key for all": changed(ADDITIVE, ("key @ U", "key[:, :1].expand_as(key) @ U")),
        "the last key left at 0": changed(LOOPED_ADDITIVE, ("range(K)", "range(K - 1)")),
        "the first sequence only": changed(LOOPED_ADDITIVE, ("key[b, j]", "key[0, j]")),
        "the query's W for both": changed(ADDITIVE, ("key @ U", "key[..., : len(W)] @ W[: key.shape[-1]]")),
        "an array": changed(ADDITIVE, ("torch.matmul(hidden, v)", "torch.matmul(hidden, v).numpy()")),
        "wrong for one query": changed(ADDITIVE, ("torch.matmul(hidden, v)", "torch.matmul(hidden, v).squeeze()")),
        "tanh by exponentials": written("""
def additive_scores(query, key, W, U, v):
    e = torch.exp((query @ W)[:, :, None] + (key @ U)[:, None])
    return (e - 1 / e) / (e + 1 / e) @ v
"""),
        "tanh twice": changed(ADDITIVE, ("torch.matmul(hidden, v)", "torch.matmul(torch.tanh(hidden), v)")),
    },
    "08.3": {
        "the values": written("def context(scores, values): return values"),
        "the weights": written("def context(scores, values): return scores.softmax(-1)"),
        "the sum of all values": written(
            "def context(scores, values): return values.sum(1, keepdim=True).expand(-1, scores.shape[1], -1)"
        ),
        "sigmoids": changed(CONTEXT, ("torch.softmax(scores, dim=2)", "torch.sigmoid(scores)")),
        "down the batch": changed(CONTEXT, ("dim=2", "dim=0")),
        "scores divided": changed(CONTEXT, ("torch.softmax(scores,", "torch.softmax(scores / values.shape[2] ** 0.5,")),
        "the sign": changed(CONTEXT, ("torch.softmax(scores,", "torch.softmax(-scores,")),
        "the best two": changed(
            CONTEXT, ("    return", "    weights = weights * (weights >= weights.topk(2).values[..., -1:])\n    return")
        ),
        "the last value left out": changed(LOOPED_CONTEXT, ("range(values.shape[1])", "range(values.shape[1] - 1)")),
        "the first sequence": changed(CONTEXT, ("torch.bmm(weights, values)", "torch.bmm(weights, values)[:1]")),
        "summed over the queries": changed(CONTEXT, ("torch.bmm(weights, values)", "torch.bmm(weights, values).sum(1)")),
        "normalised values": changed(CONTEXT, ("weights, values)", "weights, values.softmax(1))")),
        "scores cut off": changed(CONTEXT, ("torch.softmax(scores,", "torch.softmax(scores.detach(),")),
        "values cut off": changed(CONTEXT, ("weights, values)", "weights, values.detach())")),
        "arrays": changed(CONTEXT, ("torch.bmm(weights, values)", "torch.bmm(weights, values).detach().numpy()")),
        "wrong for a batch of one": changed(CONTEXT, ("torch.bmm(weights, values)", "torch.bmm(weights, values).squeeze(0)")),
        "rounded": changed(CONTEXT, ("torch.bmm(weights, values)", "torch.bmm(weights, values).round(decimals=2)")),
    },
    "08.4": {
        "nothing": written("def decode(words, s0, look, gru): return s0, words"),
        "states only": changed(DECODE, (", torch.stack(weights, dim=1)", "")),
        "weights first": changed(
            DECODE,
            (
                "torch.stack(states, dim=1), torch.stack(weights, dim=1)",
                "torch.stack(weights, dim=1), torch.stack(states, dim=1)",
            ),
        ),
        "contexts for weights": changed(DECODE, ("weights.append(alpha)", "weights.append(context)")),
        "one step": changed(DECODE, ("range(words.shape[1])", "range(1)")),
        "one step too few": changed(DECODE, ("range(words.shape[1])", "range(words.shape[1] - 1)")),
        "the start state too": changed(DECODE, ("    states = []", "    states = [s0]")),
        "words alone": changed(DECODE, ("torch.cat([words[:, t], context], dim=-1)", "words[:, t]")),
        "the word asks": changed(DECODE, ("look(s)", "look(words[:, t])")),
        "the mean word": changed(DECODE, ("words[:, t]", "words.mean(1)")),
        "the next word": changed(DECODE, ("words[:, t]", "words[:, (t + 1) % words.shape[1]]")),
        "two looks": changed(DECODE, ("look(s)", "look(look(s)[1])")),
        "states added up": changed(DECODE, ("s = gru(x, s)", "s = s + gru(x, s)")),
        "lists": changed(DECODE, ("torch.stack(states, dim=1), torch.stack(weights, dim=1)", "states, weights")),
        "arrays": changed(
            DECODE,
            (
                "torch.stack(states, dim=1), torch.stack(weights, dim=1)",
                "torch.stack(states, 1).numpy(), torch.stack(weights, 1)",
            ),
        ),
        "wrong for one word": changed(DECODE, ("torch.stack(weights, dim=1)", "torch.stack(weights, dim=1).squeeze(1)")),
    },
    "08.5": {
        "even": written("def look(word, s, states, seen, W, U, v): return seen / seen.sum(1, keepdim=True)"),
        "by length": written("def look(word, s, states, seen, W, U, v): return states.norm(dim=-1).softmax(-1)"),
        "the context": changed(
            LOOK, ("return scores.softmax(dim=-1)", "return (scores.softmax(dim=-1)[:, None] @ states)[:, 0]")
        ),
        "both": changed(LOOK, ("return scores", "return states, scores")),
        "an axis more": changed(LOOK, ("scores.softmax(dim=-1)", "scores.softmax(dim=-1)[:, None]")),
        "down the batch": changed(LOOK, ("softmax(dim=-1)", "softmax(dim=0)")),
        "the mask turned round": changed(LOOK, ("~seen", "seen")),
        "hidden scores 0": changed(LOOK, ('float("-inf")', "0.0")),
        "places and states": changed(
            LOOK, ("torch.tanh(query[:, None] + key) @ v", "torch.tanh(query[:, None] + key) @ v + query[:, : key.shape[1]]")
        ),
        "every place the mean state": changed(
            LOOK, ("query[:, None] + key", "query[:, None] + key.mean(1, keepdim=True) + 0 * key")
        ),
        "scores divided": changed(LOOK, ("scores.softmax(", "(scores / len(v) ** 0.5).softmax(")),
        "the sign": changed(LOOK, ("torch.tanh(query[:, None] + key) @ v", "-torch.tanh(query[:, None] + key) @ v")),
        "an array": changed(LOOK, ("scores.softmax(dim=-1)", "scores.softmax(dim=-1).numpy()")),
        "wrong for one place": changed(LOOK, ("scores.softmax(dim=-1)", "scores.softmax(dim=-1).squeeze()")),
        "all but the last": changed(LOOK, ("    scores = scores", "    scores[:, -1] = -9\n    scores = scores")),
    },
    "08.6": {
        "always": written("def looks_at_the_source(attention, query, keys, values): return True"),
        "never": written("def looks_at_the_source(attention, query, keys, values): return False"),
        "one or zero": changed(LOOKS, ("not np.allclose(before, after)", "int(not np.allclose(before, after))")),
        "a share": changed(LOOKS, ("not np.allclose(before, after)", "float(np.abs(before - after).mean())")),
        "each weight": changed(LOOKS, ("not np.allclose(before, after)", "~np.isclose(before, after)")),
        "a word": changed(LOOKS, ("not np.allclose(before, after)", "str(not np.allclose(before, after))")),
        "nothing changed": changed(LOOKS, ("np.random.normal(size=keys.shape)", "keys")),
        "the values changed": changed(LOOKS, ("attention(query, other, values)", "attention(query, keys, 2 * values)")),
        "all weights changed": changed(
            LOOKS, ("not np.allclose(before, after)", "bool((np.abs(before - after) > 1e-3).all())")
        ),
        "too wide a tolerance": changed(LOOKS, ("not np.allclose(before, after)", "bool(np.abs(before - after).max() > 2)")),
        "a sum of weights": changed(LOOKS, ("allclose(before, after)", "allclose(before.sum(-1), after.sum(-1))")),
        "everything changed": changed(
            LOOKS,
            ("attention(query, other, values)", "attention(-query, other, values)"),
            ("_, after", "after, _"),
            ("_, before", "before, _"),
        ),
    },
    "08.7": {
        "zero": written("def alignment_error_rate(weights, sure, possible): return 0.0"),
        "one": written("def alignment_error_rate(weights, sure, possible): return 1.0"),
        "percent": changed(AER, ("return 1 - (AS + AP) / (A + S)", "return 100 * (1 - (AS + AP) / (A + S))")),
        "the mean of precision and recall": changed(AER, ("(AS + AP) / (A + S)", "(AP / A + AS / S) / 2")),
        "the first sentence": changed(AER, ("zip(weights, sure, possible)", "list(zip(weights, sure, possible))[:1]")),
        "the last sentence": changed(AER, ("zip(weights, sure, possible)", "list(zip(weights, sure, possible))[-1:]")),
        "the least weight": changed(AER, ("np.argmax", "np.argmin")),
        "places from 1": changed(AER, ("links.append((j, i))", "links.append((j + 1, i + 1))")),
        "the diagonal": changed(AER, ("int(np.argmax(w[i]))", "i")),
        "the last target word left out": changed(AER, ("range(w.shape[0])", "range(w.shape[0] - 1)")),
        "accuracy against the sure": changed(AER, ("(AS + AP) / (A + S)", "AS / A")),
        "possible links found count twice": changed(AER, ("AP += 1", "AP += 2")),
        "a list": changed(AER, ("return 1 - (AS + AP) / (A + S)", "return [1 - (AS + AP) / (A + S)]")),
        "rounded": changed(AER, ("return 1 - (AS + AP) / (A + S)", "return round(1 - (AS + AP) / (A + S), 1)")),
        "weights added up": changed(AER, ("AS += 1", "AS += w[link[1], link[0]]")),
        "words with a sure link alone": changed(
            AER, ("            links.append", "            if i in [t for _, t in s]:\n                links.append")
        ),
        "divided by the targets": changed(AER, ("/ (A + S)", "/ (2 * A)")),
        "union below": changed(AER, ("/ (A + S)", "/ (A + S - AS)")),
    },
}
