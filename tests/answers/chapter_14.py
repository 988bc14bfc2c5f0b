"""Answers to the tasks of chapter 14."""

from answers import changed, written

SOFTMAX = """
def softmax_along(scores, axis):
    weights = np.exp(scores - scores.max(axis, keepdims=True))
    return weights / weights.sum(axis, keepdims=True)
"""
BITS = """
def causal_bits(logits, tokens, lengths):
    B, T, V = logits.shape
    said, asked = logits[:, :-1], tokens[:, 1:]
    shifted = said - said.max(axis=2, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
    nats = -np.take_along_axis(log_p, asked[:, :, None], axis=2)[:, :, 0]
    real = np.arange(T - 1) < lengths[:, None] - 1
    bits = nats / np.log(2)
    return (bits * real).sum() / real.sum()
"""
LOOPED_BITS = f"""{SOFTMAX}
def causal_bits(logits, tokens, lengths):
    bits, count = 0.0, 0
    for b, n in enumerate(lengths):
        for t in range(n - 1):
            z = logits[b, t]
            bits += np.logaddexp.reduce(z) - z[tokens[b, t + 1]]
            count += 1
    return bits / count / np.log(2)
"""
NAIVE_BITS = """
def causal_bits(logits, tokens, lengths):
    e = np.exp(logits)
    p = e / e.sum(-1, keepdims=True)
    rows = []
    for b in range(len(tokens)):
        for t in range(1, lengths[b]):
            rows.append(-np.log2(p[b, t - 1, tokens[b, t]]))
    return np.mean(rows)
"""
MASKED = """
def mask_tokens(tokens, real, chance, kind, words, mask):
    chosen = (chance < 0.15) & real
    inputs = tokens.copy()
    hide = chosen & (kind < 0.8)
    swap = chosen & (kind >= 0.8) & (kind < 0.9)
    inputs[hide] = mask
    inputs[swap] = words[swap]
    return inputs, chosen
"""
LOOPED_MASKED = """
def mask_tokens(tokens, real, chance, kind, words, mask):
    inputs, chosen = tokens.copy(), np.zeros(real.shape, dtype=bool)
    for b in range(tokens.shape[0]):
        for t in range(tokens.shape[1]):
            if real[b, t] and chance[b, t] < 0.15:
                chosen[b, t] = True
                if kind[b, t] < 0.8:
                    inputs[b, t] = mask
                elif kind[b, t] < 0.9:
                    inputs[b, t] = words[b, t]
    return inputs, chosen
"""
SELECTED = """
def mask_tokens(tokens, real, chance, kind, words, mask):
    chosen = np.logical_and(real, chance < 0.15)
    become = np.select([kind < 0.8, kind < 0.9], [np.full_like(tokens, mask), words], tokens)
    return np.where(chosen, become, tokens), chosen
"""
MEASURES = """
def measures(nats, tokens):
    text = "".join(tokens)
    bits = nats.sum() / np.log(2)
    size = len(text.encode("utf-8"))
    words = len(text.split())
    return bits / size, np.exp(nats.sum() / words)
"""
LOOPED_MEASURES = """
def measures(nats, tokens):
    total, size, words, inside = 0.0, 0, 0, False
    for cost, token in zip(nats, tokens):
        total += float(cost)
        size += len(bytes(token, "utf8"))
        for letter in token:
            if letter.isspace():
                inside = False
            elif not inside:
                words, inside = words + 1, True
    bits = total * np.log2(np.e)
    return bits / size, 2 ** (bits / words)
"""
TIED = f"""{SOFTMAX}
def tied(E, W, inputs, targets):
    N = len(inputs)
    states = E[inputs] @ W
    logits = states @ E.T
    pull = softmax_along(logits, 1)
    pull[np.arange(N), targets] -= 1
    pull /= N
    out = pull.T @ states
    into = np.zeros_like(E)
    np.add.at(into, inputs, pull @ E @ W.T)
    return logits, out + into
"""
LOOPED_TIED = f"""{SOFTMAX}
def tied(E, W, inputs, targets):
    logits = np.array([E @ (E[x] @ W) for x in inputs])
    grad = np.zeros(E.shape)
    for x, y, z in zip(inputs, targets, logits):
        p = softmax_along(z, 0)
        p[y] -= 1
        grad += np.outer(p, E[x] @ W)
        grad[x] += W @ (E.T @ p)
    return logits, grad / len(inputs)
"""
BIGRAM_TIED = """
def tied(E, W, inputs, targets):
    V, N = len(E), len(inputs)
    counts = np.zeros((V, V))
    for x, y in zip(inputs, targets):
        counts[x, y] += 1
    Z = E @ W @ E.T
    P = np.exp(Z - Z.max(1)[:, None])
    P /= P.sum(1)[:, None]
    pull = (counts.sum(1)[:, None] * P - counts) / N
    return Z[inputs], pull @ E @ W.T + pull.T @ E @ W
"""
GPT2 = f"""{SOFTMAX}
def gpt2_attention(x, file, layer, heads):
    name = f"h.{{layer}}.attn"
    T, D = x.shape
    d = D // heads
    qkv = x @ file[name + ".c_attn.weight"] + file[name + ".c_attn.bias"]
    q, k, v = qkv[:, :D], qkv[:, D : 2 * D], qkv[:, 2 * D :]
    q = q.reshape(T, heads, d).transpose(1, 0, 2)
    k = k.reshape(T, heads, d).transpose(1, 0, 2)
    v = v.reshape(T, heads, d).transpose(1, 0, 2)
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(d)
    scores = np.where(np.tri(T) > 0, scores, -np.inf)
    weights = softmax_along(scores, -1)
    read = (weights @ v).transpose(1, 0, 2).reshape(T, D)
    return read @ file[name + ".c_proj.weight"] + file[name + ".c_proj.bias"]
"""
LOOPED_GPT2 = f"""{SOFTMAX}
def gpt2_attention(x, file, layer, heads):
    parts = ("c_attn.weight", "c_attn.bias", "c_proj.weight", "c_proj.bias")
    W, b, W_o, b_o = (file[f"h.{{layer}}.attn.{{part}}"] for part in parts)
    T, D = x.shape
    d = D // heads
    out = np.tile(b_o, (T, 1))
    for h in range(heads):
        q, k, v = (x @ W[:, i * D + h * d : i * D + (h + 1) * d] + b[i * D + h * d : i * D + (h + 1) * d] for i in range(3))
        for t in range(T):
            weights = softmax_along(k[: t + 1] @ q[t] / d**0.5, 0)
            out[t] = out[t] + weights @ v[: t + 1] @ W_o[h * d : (h + 1) * d]
    return out
"""
EINSUM_GPT2 = """
def gpt2_attention(x, file, layer, heads):
    at = {key.split("attn.", 1)[1]: array for key, array in file.items() if key.startswith(f"h.{layer}.attn")}
    T, D = x.shape
    q, k, v = np.einsum("td,dchw->chtw", x, at["c_attn.weight"].reshape(D, 3, heads, -1)) + at["c_attn.bias"].reshape(
        3, heads, 1, -1
    )
    mask = at["bias"][0, 0, :T, :T]
    e = np.exp(np.einsum("htw,huw->htu", q, k) * (D // heads) ** -0.5) * mask
    weights = e / e.sum(2, keepdims=True)
    return np.einsum("htu,huw,hwd->td", weights, v, at["c_proj.weight"].reshape(heads, -1, D)) + at["c_proj.bias"]
"""
MIXTURE = f"""{SOFTMAX}
def mixture(x, scores, experts, k):
    N, E = scores.shape
    best = np.argsort(scores, axis=1)[:, ::-1][:, :k]
    weights = softmax_along(np.take_along_axis(scores, best, axis=1), 1)
    y = np.zeros(x.shape)
    for e in range(E):
        token, rank = np.nonzero(best == e)
        if len(token) > 0:
            y[token] += weights[token, rank][:, None] * experts[e](x[token])
    f = np.bincount(best[:, 0], minlength=E) / N
    P = softmax_along(scores, 1).mean(axis=0)
    return y, E * np.sum(f * P)
"""
LOOPED_MIXTURE = f"""{SOFTMAX}
def mixture(x, scores, experts, k):
    N, E = scores.shape
    y, f = np.zeros_like(x), np.zeros(E)
    p = softmax_along(scores, 1)
    for n in range(N):
        order = sorted(range(E), key=lambda e: scores[n, e])[-k:]
        weights = softmax_along(scores[n, order], 0)
        f[order[-1]] += 1 / N
        for w, e in zip(weights, order):
            y[n] += w * experts[e](x[n : n + 1])[0]
    return y, float(f @ p.mean(0)) * E
"""
HIDDEN_MIXTURE = f"""{SOFTMAX}
def mixture(x, scores, experts, k):
    kth = np.sort(scores, 1)[:, -k][:, None]
    gates = softmax_along(np.where(scores >= kth, scores, -np.inf), 1)
    y = 0 * x
    for e, expert in enumerate(experts):
        rows = np.flatnonzero(scores[:, e] >= kth[:, 0])
        y[rows] += gates[rows, e, None] * expert(x[rows])
    first = scores == scores.max(1, keepdims=True)
    return y, len(experts) * (first.mean(0) * softmax_along(scores, 1).mean(0)).sum()
"""
CACHED = f"""{SOFTMAX}
def read_in_pieces(pieces, qkv):
    contexts, keys, values, m = [], [], [], 0
    for tokens in pieces:
        n = len(tokens)
        q, k, v = qkv(tokens, np.arange(m, m + n))
        keys, values = [*keys, *k], [*values, *v]
        scores = q @ np.array(keys).T / np.sqrt(q.shape[1])
        seen = np.arange(m + n) <= np.arange(m, m + n)[:, None]
        contexts.append(softmax_along(np.where(seen, scores, -np.inf), 1) @ np.array(values))
        m = m + n
    return np.concatenate(contexts)
"""
FOUND = f"""{SOFTMAX}
def read_in_pieces(pieces, qkv):
    contexts, keys, values = [], None, None
    before = []
    for tokens in pieces:
        n, m = len(tokens), sum(before)
        place, reach = m, m
        q, k, v = qkv(tokens, place + np.arange(n))
        keys = k if keys is None else np.concatenate([keys, k])
        values = v if values is None else np.concatenate([values, v])
        seen = np.tri(n, len(keys), reach, dtype=bool)
        scores = np.where(seen, q @ keys.T / np.sqrt(q.shape[1]), -np.inf)
        contexts.append(softmax_along(scores, 1) @ values)
        before.append(n)
    return np.concatenate(contexts)
"""
SINGLE = f"""{SOFTMAX}
def read_in_pieces(pieces, qkv):
    tokens, keys, values, contexts = np.concatenate(pieces), [], [], []
    for t in range(len(tokens)):
        q, k, v = qkv(tokens[t : t + 1], np.array([t]))
        keys.append(k[0])
        values.append(v[0])
        weights = softmax_along(np.stack(keys) @ q[0] / len(q[0]) ** 0.5, 0)
        contexts.append(weights @ np.stack(values))
    return np.array(contexts)
"""
ANEW = f"""{SOFTMAX}
def read_in_pieces(pieces, qkv):
    contexts, text = [], np.zeros(0, dtype=int)
    for tokens in pieces:
        text = np.concatenate([text, tokens])
        q, k, v = qkv(text, np.arange(len(text)))
        scores = np.where(np.tri(len(text)) > 0, q @ k.T / np.sqrt(q.shape[1]), -np.inf)
        contexts.append((softmax_along(scores, 1) @ v)[-len(tokens) :])
    return np.concatenate(contexts)
"""
RIGHT = {
    "14.1": [written(BITS), written(LOOPED_BITS)],
    "14.2": [written(MASKED), written(LOOPED_MASKED), written(SELECTED)],
    "14.3": [written(MEASURES), written(LOOPED_MEASURES)],
    "14.4": [written(TIED), written(LOOPED_TIED), written(BIGRAM_TIED)],
    "14.5": [written(GPT2), written(LOOPED_GPT2), written(EINSUM_GPT2)],
    "14.6": [written(MIXTURE), written(LOOPED_MIXTURE), written(HIDDEN_MIXTURE)],
    "14.7": [written(CACHED), written(FOUND), written(SINGLE)],
}
Q_SPLIT = "q.reshape(T, heads, d).transpose(1, 0, 2)"
FIRST = "np.bincount(best[:, 0], minlength=E) / N"
ADD = "y[token] += weights[token, rank][:, None] * experts[e](x[token])"
WRONG = {
    "14.1": {
        "no shift": changed(LOOPED_BITS, ("range(n - 1)", "range(n)"), ("t + 1", "t")),
        "no shift, one place less": changed(BITS, ("tokens[:, 1:]", "tokens[:, :-1]")),
        "shifted the wrong way": changed(BITS, ("logits[:, :-1], tokens[:, 1:]", "logits[:, 1:], tokens[:, :-1]")),
        "one token too far": changed(LOOPED_BITS, ("range(n - 1)", "range(n - 2)"), ("t + 1", "t + 2")),
        "the first token after the last": changed(
            BITS,
            ("logits[:, :-1], tokens[:, 1:]", "logits, np.roll(tokens, -1, axis=1)"),
            ("np.arange(T - 1) < lengths[:, None] - 1", "np.arange(T) < lengths[:, None]"),
        ),
        "padding predicted": changed(BITS, ("lengths[:, None] - 1", "0 * lengths[:, None] + T")),
        "the token after the end": changed(BITS, ("lengths[:, None] - 1", "lengths[:, None]")),
        "divided by the tokens": changed(BITS, ("/ real.sum()", "/ lengths.sum()")),
        "divided by all places": changed(BITS, ("(bits * real).sum() / real.sum()", "(bits * real).mean()")),
        "a mean of means": changed(
            BITS, ("(bits * real).sum() / real.sum()", "((bits * real).sum(1) / np.maximum(real.sum(1), 1)).mean()")
        ),
        "the sum": changed(BITS, (" / real.sum()", "")),
        "nats": changed(LOOPED_BITS, (" / np.log(2)", "")),
        "logits for log probabilities": changed(LOOPED_BITS, ("np.logaddexp.reduce(z) - ", "-")),
        "a softmax over the places": changed(
            BITS,
            ("axis=2, keepdims", "axis=1, keepdims"),
            ("said, asked = logits[:, :-1]", "said, asked = logits"),
            ("nats = -np.take_along_axis(log_p,", "nats = -np.take_along_axis(log_p[:, :-1],"),
        ),
        "overflow": written(NAIVE_BITS),
        "a ceiling": changed(
            NAIVE_BITS,
            ("np.exp(logits)", "np.exp(logits - logits.max(-1, keepdims=True))"),
            ("-np.log2(p[", "-np.log2(1e-9 + p["),
        ),
    },
    "14.2": {
        "padding chosen": changed(MASKED, ("(chance < 0.15) & real", "chance < 0.15")),
        "all but 15 %": changed(MASKED, ("chance < 0.15", "chance >= 0.15")),
        "shares of all tokens": changed(MASKED, ("hide = chosen", "hide = real"), ("swap = chosen", "swap = real")),
        "the others hidden": changed(
            SELECTED, ("np.where(chosen, become, tokens)", "np.where(real & ~chosen, become, tokens)")
        ),
        "nothing but masks": changed(MASKED, (" & (kind < 0.8)", ""), ("    inputs[swap] = words[swap]\n", "")),
        "no token left as it is": changed(LOOPED_MASKED, ("elif kind[b, t] < 0.9", "else")),
        "no other words": changed(MASKED, ("    inputs[swap] = words[swap]\n", "")),
        "other words in the share of the mask": changed(
            SELECTED,
            ("kind < 0.8, kind < 0.9", "kind < 0.1, kind < 0.8"),
            ("[np.full_like(tokens, mask), words]", "[words, np.full_like(tokens, mask)]"),
        ),
        "the last two shares exchanged": changed(MASKED, ("(kind >= 0.8) & (kind < 0.9)", "(kind >= 0.9)")),
        "one number for two questions": changed(MASKED, ("    inputs = ", "    kind = chance / 0.15\n    inputs = ")),
        "everything counts": changed(MASKED, ("return inputs, chosen", "return inputs, real")),
        "what stayed does not count": changed(MASKED, ("return inputs, chosen", "return inputs, inputs != tokens")),
        "masks alone count": changed(MASKED, ("return inputs, chosen", "return inputs, inputs == mask")),
        "the places that do not count": changed(MASKED, ("return inputs, chosen", "return inputs, ~chosen")),
    },
    "14.3": {
        "a mean of ratios": changed(
            MEASURES, ("return bits / size", "return np.mean(nats / [len(t.encode()) for t in tokens]) / np.log(2)")
        ),
        "nats per byte": changed(MEASURES, ("nats.sum() / np.log(2)", "nats.sum()")),
        "multiplied by the logarithm of 2": changed(MEASURES, ("nats.sum() / np.log(2)", "nats.sum() * np.log(2)")),
        "bits per token": changed(MEASURES, ("return bits / size", "return bits / len(tokens)")),
        "bits per character": changed(MEASURES, ('len(text.encode("utf-8"))', "len(text)")),
        "spaces left out": changed(LOOPED_MEASURES, ("bytes(token,", "bytes(''.join(token.split()),")),
        "perplexity per token": changed(MEASURES, ("nats.sum() / words", "nats.mean()")),
        "perplexity per byte": changed(LOOPED_MEASURES, ("bits / words", "bits / size")),
        "2 to the power of nats": changed(MEASURES, ("np.exp(nats.sum() / words)", "2 ** (nats.sum() / words)")),
        "e to the power of bits": changed(LOOPED_MEASURES, ("2 ** (bits / words)", "np.exp(bits / words)")),
        "no exponential": changed(MEASURES, ("np.exp(nats.sum() / words)", "nats.sum() / words")),
        "the mean of perplexities": changed(MEASURES, ("np.exp(nats.sum() / words)", "np.exp(nats).mean()")),
        "one word for each space": changed(MEASURES, ("text.split()", "text.split(' ')")),
        "spaces between words": changed(MEASURES, ("len(text.split())", "len([c for c in text if c == ' '])")),
    },
    "14.4": {
        "W left out": changed(TIED, ("logits = states @ E.T", "logits = E[inputs] @ E.T")),
        "W turned over": changed(LOOPED_TIED, ("E @ (E[x] @ W) for", "E @ (W @ E[x]) for")),
        "probabilities for logits": changed(TIED, ("return logits", "return softmax_along(logits, 1)")),
        "logits of the targets' states": changed(TIED, ("    N =", "    inputs, targets = targets, inputs\n    N =")),
        "the readout alone": changed(TIED, ("out + into", "out")),
        "the embedding alone": changed(LOOPED_TIED, ("        grad += np.outer(p, E[x] @ W)\n", "")),
        "the mean of both": changed(TIED, ("out + into", "(out + into) / 2")),
        "what is read again overwrites": changed(
            TIED, ("np.add.at(into, inputs, pull @ E @ W.T)", "into[inputs] += pull @ E @ W.T")
        ),
        "given to the targets": changed(LOOPED_TIED, ("grad[x] +=", "grad[y] +=")),
        "W not turned on the way back": changed(TIED, ("pull @ E @ W.T", "pull @ E @ W")),
        "back without W": changed(TIED, ("pull @ E @ W.T", "pull @ E")),
        "the embeddings for states": changed(LOOPED_TIED, ("np.outer(p, E[x] @ W)", "np.outer(p, E[x])")),
        "the sum of the losses": changed(LOOPED_TIED, ("grad / len(inputs)", "grad")),
        "a mean over the words too": changed(TIED, ("pull /= N", "pull /= N * len(E)")),
        "uphill": changed(TIED, ("out + into", "-(out + into)")),
        "the targets left out": changed(TIED, ("    pull[np.arange(N), targets] -= 1\n", "")),
        "in bits": changed(TIED, ("pull /= N", "pull /= N * np.log(2)")),
        "overflow": changed(TIED, ("np.exp(scores - scores.max(axis, keepdims=True))", "np.exp(scores)")),
    },
    "14.5": {
        "the output map turned over": changed(GPT2, ('.c_proj.weight"]', '.c_proj.weight"].T')),
        "the input map reshaped": changed(GPT2, ('.c_attn.weight"]', '.c_attn.weight"].reshape(3 * D, D).T')),
        "keys before queries": changed(GPT2, ("q, k, v = qkv", "k, q, v = qkv")),
        "values before keys": changed(GPT2, ("q, k, v = qkv", "q, v, k = qkv")),
        "heads first": changed(
            GPT2,
            ("q, k, v = qkv[:, :D], qkv[:, D : 2 * D], qkv[:, 2 * D :]", "q, k, v = np.split(qkv.reshape(T, heads, -1), 3, 2)"),
        ),
        "every third column": changed(
            GPT2, ("qkv[:, :D], qkv[:, D : 2 * D], qkv[:, 2 * D :]", "qkv[:, ::3], qkv[:, 1::3], qkv[:, 2::3]")
        ),
        "tokens mixed up by the cut": changed(GPT2, (".reshape(T, heads, d).transpose(1, 0, 2)", ".reshape(heads, T, d)")),
        "one head": changed(LOOPED_GPT2, ("    T, D =", "    heads = 1\n    T, D =")),
        "no mask": changed(GPT2, ("np.tri(T) > 0", "np.ones((T, T)) > 0")),
        "the past hidden": changed(GPT2, ("np.tri(T) > 0", "np.triu(np.ones((T, T))) > 0")),
        "the mask after the softmax": changed(
            GPT2, ("np.tri(T) > 0", "True"), ("softmax_along(scores, -1)", "np.tril(softmax_along(scores, -1))")
        ),
        "hidden scores set to 0": changed(GPT2, ("scores, -np.inf)", "scores, 0)")),
        "the width of a token": changed(GPT2, ("np.sqrt(d)", "np.sqrt(D)")),
        "no division": changed(GPT2, (" / np.sqrt(d)", "")),
        "the input bias left out": changed(GPT2, (' + file[name + ".c_attn.bias"]', "")),
        "the output bias left out": changed(LOOPED_GPT2, ("np.tile(b_o, (T, 1))", "np.zeros((T, D))")),
        "the output map left out": changed(
            GPT2, ('read @ file[name + ".c_proj.weight"] + file[name + ".c_proj.bias"]', "read")
        ),
        "the tokens added": changed(GPT2, ("return read", "return x + read")),
        "the first layer for all": changed(GPT2, ('f"h.{layer}.attn"', '"h.0.attn"')),
        "layers from 1": changed(GPT2, ("{layer}", "{layer + 1}")),
    },
    "14.6": {
        "probabilities that do not add up to 1": changed(
            MIXTURE,
            (
                "softmax_along(np.take_along_axis(scores, best, axis=1), 1)",
                "np.take_along_axis(softmax_along(scores, 1), best, 1)",
            ),
        ),
        "all experts added": changed(MIXTURE, ("[:, :k]", "")),
        "one expert for any k": changed(MIXTURE, ("[:, :k]", "[:, :1]")),
        "the worst experts": changed(MIXTURE, ("[:, ::-1]", "")),
        "experts that choose tokens": written(f"""{SOFTMAX}
def mixture(x, scores, experts, k):
    E = len(experts)
    y = np.zeros(x.shape)
    for e in range(E):
        mine = np.argsort(-scores[:, e])[:k]
        y[mine] += softmax_along(scores[mine, e], 0)[:, None] * experts[e](x[mine])
    f = np.bincount(scores.argmax(1), minlength=E) / len(x)
    return y, E * f @ softmax_along(scores, 1).mean(0)
"""),
        "the mean of the chosen": changed(MIXTURE, ("weights[token, rank][:, None] *", "1 / k *")),
        "the sum of the chosen": changed(MIXTURE, ("weights[token, rank][:, None] * ", "")),
        "scores for weights": changed(MIXTURE, ("weights[token, rank]", "scores[token, e]")),
        "a softmax of a softmax": changed(
            LOOPED_MIXTURE, ("softmax_along(scores[n, order], 0)", "softmax_along(p[n, order], 0)")
        ),
        "weights of other experts": changed(
            MIXTURE,
            ("    y = np", "    first, best = best, np.sort(best, axis=1)\n    y = np"),
            ("bincount(best", "bincount(first"),
        ),
        "every expert works": changed(
            MIXTURE, ("experts[e](x[token])", "experts[e](x)[token]"), ("if len(token) > 0", "if True")
        ),
        "all choices counted": changed(MIXTURE, ("best[:, 0]", "best.ravel()")),
        "the mean of all choices": changed(MIXTURE, (FIRST, "np.bincount(best.ravel(), minlength=E) / best.size")),
        "counts in place of shares": changed(MIXTURE, (FIRST, "np.bincount(best[:, 0], minlength=E)")),
        "not multiplied by the experts": changed(MIXTURE, ("E * np.sum", "np.sum")),
        "the mean over the experts": changed(MIXTURE, ("E * np.sum(f * P)", "np.mean(f * P)")),
        "shares squared": changed(MIXTURE, ("f * P", "f**2")),
        "probabilities squared": changed(MIXTURE, ("f * P", "P**2")),
        "probabilities of the chosen": changed(
            MIXTURE, ("softmax_along(scores, 1).mean(axis=0)", "np.array([weights[best == e].sum() / N for e in range(E)])")
        ),
        "scores for probabilities": changed(MIXTURE, ("softmax_along(scores, 1).mean", "scores.mean")),
        "overflow": changed(MIXTURE, ("np.exp(scores - scores.max(axis, keepdims=True))", "np.exp(scores)")),
    },
    "14.7": {
        "as it was found": changed(FOUND, ("place, reach = m, m", "place, reach = 0, 0")),
        "the places forget": changed(CACHED, ("qkv(tokens, np.arange(m, m + n))", "qkv(tokens, np.arange(n))")),
        "the mask forgets": changed(CACHED, ("<= np.arange(m, m + n)[:, None]", "<= np.arange(n)[:, None]")),
        "the cache forgets": changed(
            FOUND, ("np.concatenate([keys, k])", "k"), ("np.concatenate([values, v])", "v"), ("m, m\n", "m, 0\n")
        ),
        "the pieces counted": changed(FOUND, ("place, reach = m,", "place, reach = len(before),")),
        "the first piece alone counted": changed(FOUND, ("place, reach = m,", "place, reach = sum(before[:1]),")),
        "the piece before alone counted": changed(FOUND, ("place, reach = m,", "place, reach = sum(before[-1:]),")),
        "a place left out": changed(FOUND, ("place, reach = m,", "place, reach = m + (m > 0),")),
        "a place given twice": changed(FOUND, ("place, reach = m,", "place, reach = max(m - 1, 0),")),
        "the future of its own piece": changed(FOUND, ("reach, dtype=bool)", "reach, dtype=bool) | (m > 0)")),
        "no mask at all": changed(CACHED, ("np.where(seen, scores, -np.inf)", "scores")),
        "new keys before old ones": changed(FOUND, ("[keys, k]", "[k, keys]"), ("[values, v]", "[v, values]")),
        "everything read again": written(ANEW),
    },
}
SLOPPY = {
    "14.1": {
        "nothing": written("def causal_bits(logits, tokens, lengths): return 0.0"),
        "a coin for each": written("def causal_bits(logits, tokens, lengths): return np.log2(logits.shape[2])"),
        "of the best word": changed(LOOPED_BITS, ("z[tokens[b, t + 1]]", "z.max()")),
        "the probability": changed(
            LOOPED_BITS, ("bits += np.logaddexp.reduce(z) -", "bits += np.exp(z - np.logaddexp.reduce(z)).max() + 0 *")
        ),
        "a gain": changed(BITS, ("bits = nats", "bits = -nats")),
        "the last prediction left out": changed(LOOPED_BITS, ("range(n - 1)", "range(n - 2)")),
        "the first prediction left out": changed(LOOPED_BITS, ("range(n - 1)", "range(1, n - 1)")),
        "the first sentence": changed(LOOPED_BITS, ("enumerate(lengths)", "enumerate(lengths[:1])")),
        "each sentence": changed(BITS, ("(bits * real).sum() / real.sum()", "(bits * real).sum(1) / real.sum(1)")),
        "an array": changed(BITS, ("return (", "return [0] + (")),
    },
    "14.2": {
        "as they are": written("def mask_tokens(tokens, real, chance, kind, words, mask): return tokens, real"),
        "counts first": changed(MASKED, ("return inputs, chosen", "return chosen, inputs")),
        "targets in place of places": changed(
            MASKED, ("return inputs, chosen", "return inputs, np.where(chosen, tokens, -100)")
        ),
        "half": changed(MASKED, ("0.15", "0.5")),
        "15 of 80": changed(MASKED, ("0.15", "0.15 * 0.8")),
        "words that were there": changed(MASKED, ("words[swap]", "tokens[::-1][swap]")),
        "the first words": changed(LOOPED_MASKED, ("words[b, t]", "words[0, t]")),
        "always 0 for the mask": changed(MASKED, ("= mask", "= 0")),
        "its own numbers": changed(MASKED, ("    chosen =", "    chance = np.random.random(real.shape)\n    chosen =")),
        "exactly 15 %": changed(MASKED, ("(chance < 0.15) & real", "(chance < np.quantile(chance, 0.15)) & real")),
        "the first sentence alone": changed(LOOPED_MASKED, ("range(tokens.shape[0])", "range(1)")),
        "wrong for one sentence": changed(MASKED, ("return inputs, chosen", "return inputs.squeeze(), chosen")),
        "a third mask": changed(MASKED, ("kind < 0.8", "kind < 1 / 3")),
    },
    "14.3": {
        "nothing": written("def measures(nats, tokens): return 0.0, 1.0"),
        "one number": changed(MEASURES, ("return bits / size, ", "return ")),
        "the order": changed(
            MEASURES, ("return bits / size, np.exp(nats.sum() / words)", "return np.exp(nats.sum() / words), bits / size")
        ),
        "all bits": changed(MEASURES, ("bits / size", "bits")),
        "bytes of 16 bits": changed(MEASURES, ('"utf-8"', '"utf-16"')),
        "perplexity of the text": changed(MEASURES, ("nats.sum() / words", "nats.sum()")),
        "words and one": changed(MEASURES, ("len(text.split())", "len(text.split()) + 1")),
        "different words": changed(MEASURES, ("len(text.split())", "len(set(text.split()))")),
        "tokens with a space": changed(MEASURES, ("len(text.split())", "sum(token[0] == ' ' for token in tokens) + 1")),
        "words of tokens": changed(MEASURES, ("len(text.split())", "sum(len(token.split()) for token in tokens)")),
        "the perplexity turned over": changed(MEASURES, ("np.exp(nats", "np.exp(-nats")),
        "bits of the mean": changed(MEASURES, ("np.exp(nats.sum() / words)", "np.exp(nats.sum()) / words")),
        "different tokens": changed(MEASURES, ('"".join(tokens)', '"".join(dict.fromkeys(tokens))')),
    },
    "14.4": {
        "no gradient": changed(TIED, ("out + into", "0 * out")),
        "the gradient of another loss": changed(TIED, ("    pull /= N\n", "    pull = logits / N\n")),
        "the gradient of W": changed(TIED, ("out + into", "E[inputs].T @ pull @ E")),
        "gradient first": changed(TIED, ("return logits, out + into", "return out + into, logits")),
        "turned over": changed(TIED, ("out + into", "(out + into).T")),
        "the readout twice": changed(TIED, ("out + into", "2 * out")),
        "the difference": changed(TIED, ("out + into", "out - into")),
        "all rows alike": changed(TIED, ("out + into", "out + into.mean(0)")),
        "one row too far": changed(TIED, ("out + into", "out + np.roll(into, 1, axis=0)")),
        "clipped": changed(TIED, ("out + into", "np.clip(out + into, -0.1, 0.1)")),
        "the first pair": changed(LOOPED_TIED, ("zip(inputs, targets, logits)", "zip(inputs[:1], targets, logits)")),
        "logits of all words": changed(BIGRAM_TIED, ("return Z[inputs]", "return Z")),
        "wrong for one pair": changed(TIED, ("return logits", "return logits.squeeze()")),
        "a softmax over the pairs": changed(TIED, ("softmax_along(logits, 1)", "softmax_along(logits, 0)")),
        "each token once": changed(
            TIED,
            ("np.add.at(into, inputs, ", "np.add.at(into, np.unique(inputs), ("),
            ("pull @ E @ W.T)", "pull @ E @ W.T)[: len(np.unique(inputs))])"),
        ),
    },
    "14.5": {
        "the values": changed(GPT2, ("(weights @ v)", "v")),
        "zeros": written("def gpt2_attention(x, file, layer, heads): return 0 * x"),
        "the tokens": written("def gpt2_attention(x, file, layer, heads): return x"),
        "the diagonal hidden": changed(GPT2, ("np.tri(T) > 0", "np.tri(T, k=-1) + np.eye(T)[0] > 0")),
        "one token too many": changed(GPT2, ("np.tri(T) > 0", "np.tri(T, k=1) > 0")),
        "the mask for a bias": changed(
            GPT2,
            ("np.where(np.tri(T) > 0, scores, -np.inf)", "scores + file[name + '.bias'][0, 0, :T, :T]"),
        ),
        "the width itself": changed(GPT2, ("np.sqrt(d)", "d")),
        "softmax over the queries": changed(
            GPT2,
            ("np.where(np.tri(T) > 0, scores, -np.inf)", "np.where(np.tri(T) > 0, scores, -1e9)"),
            ("softmax_along(scores, -1)", "softmax_along(scores, 1)"),
        ),
        "heads joined like a zip": changed(GPT2, ("(weights @ v).transpose(1, 0, 2)", "(weights @ v).transpose(1, 2, 0)")),
        "heads not joined back": changed(GPT2, ("(weights @ v).transpose(1, 0, 2)", "(weights @ v)")),
        "queries dealt": changed(GPT2, (Q_SPLIT, "q.reshape(T, d, heads).transpose(2, 0, 1)")),
        "biases exchanged": changed(GPT2, ('file[name + ".c_proj.bias"]', 'file[name + ".c_attn.bias"][:D]')),
        "the bias of the queries left out": changed(
            GPT2, ("    q = q", "    q = (q - file[name + '.c_attn.bias'][:D])\n    q = q")
        ),
        "wrong for one token": changed(GPT2, ("return read @", "return read.squeeze() @")),
        "positions of its own": changed(
            GPT2, ("    T, D = x.shape\n", "    T, D = x.shape\n    x = x + np.arange(T)[:, None] / T\n")
        ),
    },
    "14.6": {
        "nothing": written("def mixture(x, scores, experts, k): return x, 1.0"),
        "the first experts": changed(MIXTURE, ("np.argsort(scores, axis=1)[:, ::-1]", "np.argsort(0 * scores, axis=1)")),
        "one choice for all": changed(MIXTURE, ("[:, :k]", "[:, :k][:1].repeat(N, 0)")),
        "weights turned over": changed(MIXTURE, ("weights[token, rank]", "weights[token, k - 1 - rank]")),
        "the input weighed": changed(MIXTURE, (ADD, "y[token] += experts[e](weights[token, rank][:, None] * x[token])")),
        "added to the input": changed(MIXTURE, ("np.zeros(x.shape)", "x.copy()")),
        "the last expert's word": changed(MIXTURE, ("y[token] +=", "y[token] =")),
        "a token twice": changed(MIXTURE, (ADD, f"{ADD} + 0 * experts[e](x[token])")),
        "the best two": changed(MIXTURE, ("[:, :k]", "[:, :2]")),
        "the loss first": changed(MIXTURE, ("return y, E * np.sum(f * P)", "return E * np.sum(f * P), y")),
        "no loss": changed(MIXTURE, ("return y, E * np.sum(f * P)", "return y")),
        "the published alpha": changed(MIXTURE, ("E * np.sum", "0.01 * E * np.sum")),
        "a loss for each expert": changed(MIXTURE, ("np.sum(f * P)", "f * P")),
        "the second choice": changed(MIXTURE, ("best[:, 0]", "best[:, -1]")),
        "the largest share": changed(MIXTURE, ("np.sum(f * P)", "f.max()")),
        "times k": changed(MIXTURE, ("E * np.sum", "k * np.sum")),
    },
    "14.7": {
        "the first piece": changed(FOUND, ("np.concatenate(contexts)", "contexts[0]")),
        "the last piece": changed(FOUND, ("np.concatenate(contexts)", "contexts[-1]")),
        "the pieces apart": changed(FOUND, ("np.concatenate(contexts)", "contexts")),
        "places backwards": changed(FOUND, ("place + np.arange(n)", "place + np.arange(n)[::-1]")),
        "the last place for all": changed(FOUND, ("place + np.arange(n)", "place + n - 1 + 0 * np.arange(n)")),
        "places from 1": changed(FOUND, ("place + np.arange(n)", "1 + place + np.arange(n)")),
        "one token too many": changed(FOUND, ("np.tri(n, len(keys), reach", "np.tri(n, len(keys), reach + 1")),
        "not itself": changed(FOUND, ("np.tri(n, len(keys), reach", "np.tri(n, len(keys), max(reach - 1, 0)")),
        "the first key forgotten": changed(
            FOUND,
            ("np.concatenate([keys, k])", "np.concatenate([keys, k])[-9:]"),
            ("np.concatenate([values, v])", "np.concatenate([values, v])[-9:]"),
        ),
        "values of the first piece": changed(FOUND, ("@ values)", "@ np.resize(values[: len(pieces[0])], values.shape))")),
        "the number of keys": changed(FOUND, ("np.sqrt(q.shape[1])", "np.sqrt(len(keys))")),
        "no division": changed(FOUND, (" / np.sqrt(q.shape[1])", "")),
        "each token handed in twice": changed(CACHED, ("q, k, v =", "qkv(tokens, np.arange(n))\n        q, k, v =")),
        "places counted on, not reset": changed(FOUND, ("place, reach = m,", "place, reach = 2 * m,")),
    },
}
