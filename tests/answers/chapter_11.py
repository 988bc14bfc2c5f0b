"""Answers to the tasks of chapter 11."""

from answers import changed, written

SOFTMAX = """
def softmax_along(scores, axis):
    weights = np.exp(scores - scores.max(axis, keepdims=True))
    return weights / weights.sum(axis, keepdims=True)
"""
HEAD = f"""{SOFTMAX}
def self_attention(X, W_q, W_k, W_v):
    Q = X @ W_q
    K = X @ W_k
    V = X @ W_v
    scores = Q @ K.T / np.sqrt(W_q.shape[1])
    weights = softmax_along(scores, 1)
    return weights @ V
"""
LOOPED_HEAD = """
def self_attention(X, W_q, W_k, W_v):
    T, d, E = X.shape[0], W_q.shape[1], W_v.shape[1]
    read = np.zeros((T, E))
    for i in range(T):
        q = X[i] @ W_q
        s = np.array([q @ (X[j] @ W_k) / d**0.5 for j in range(T)])
        a = np.exp(s - s.max())
        a = a / a.sum()
        for j in range(T):
            read[i] += a[j] * (X[j] @ W_v)
    return read
"""
BILINEAR_HEAD = """
def self_attention(X, W_q, W_k, W_v):
    M = W_q @ W_k.T / W_q.shape[1] ** 0.5
    S = np.einsum("ta,ab,ub->tu", X, M, X)
    log = S - S.max(axis=1)[:, None]
    log = log - np.log(np.exp(log).sum(axis=1))[:, None]
    return np.exp(log) @ X @ W_v
"""
COLUMN_HEAD = f"""{SOFTMAX}
def self_attention(X, W_q, W_k, W_v):
    x = X.T
    q, k, v = W_q.T @ x, W_k.T @ x, W_v.T @ x
    weights = softmax_along(k.T @ q / len(q) ** 0.5, 0)
    return (v @ weights).T
"""
CAUSAL = f"""{SOFTMAX}
def causal_weights(scores, real):
    T = scores.shape[1]
    past = np.tril(np.ones((T, T), dtype=bool))
    mask = past[None] & real[:, None, :]
    hidden = np.where(mask, scores, -1e9)
    weights = softmax_along(hidden, -1)
    return weights * mask
"""
INFINITE = f"""{SOFTMAX}
def causal_weights(scores, real):
    T = scores.shape[1]
    hidden = scores.copy()
    hidden[:, ~np.tri(T, dtype=bool)] = -np.inf
    hidden = np.where(real[:, None, :], hidden, -np.inf)
    weights = softmax_along(hidden, -1)
    return np.nan_to_num(weights)
"""
LOOPED_CAUSAL = """
def causal_weights(scores, real):
    B, T, _ = scores.shape
    weights = np.zeros((B, T, T))
    for b in range(B):
        for i in range(T):
            seen = [j for j in range(i + 1) if real[b, j]]
            if not seen:
                continue
            e = np.exp(scores[b, i, seen] - scores[b, i, seen].max())
            weights[b, i, seen] = e / e.sum()
    return weights
"""
NAIVE_CAUSAL = """
def causal_weights(scores, real):
    mask = np.tril(np.ones(scores.shape)) * real[:, None, :]
    e = np.exp(scores) * mask
    total = e.sum(-1, keepdims=True)
    return e / np.where(total == 0, 1, total)
"""
RENORMALISED = f"""{SOFTMAX}
def causal_weights(scores, real):
    T = scores.shape[1]
    mask = np.tril(np.ones((T, T))) * real[:, None, :]
    weights = softmax_along(scores, -1) * mask
    return weights / (weights.sum(-1, keepdims=True) + 1e-12)
"""
HEADS = f"""{SOFTMAX}
def multi_head(X, W_q, W_k, W_v, W_o, heads):
    B, T, D = X.shape
    d = W_q.shape[1] // heads
    E = W_v.shape[1] // heads
    q = (X @ W_q).reshape(B, T, heads, d).transpose(0, 2, 1, 3)
    k = (X @ W_k).reshape(B, T, heads, d).transpose(0, 2, 1, 3)
    v = (X @ W_v).reshape(B, T, heads, E).transpose(0, 2, 1, 3)
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(d)
    weights = softmax_along(scores, -1)
    read = weights @ v
    joined = read.transpose(0, 2, 1, 3).reshape(B, T, heads * E)
    return joined @ W_o
"""
LOOPED_HEADS = f"""{SOFTMAX}
def multi_head(X, W_q, W_k, W_v, W_o, heads):
    d, E = W_q.shape[1] // heads, W_v.shape[1] // heads
    reads = []
    for h in range(heads):
        q = X @ W_q[:, h * d : (h + 1) * d]
        k = X @ W_k[:, h * d : (h + 1) * d]
        v = X @ W_v[:, h * E : (h + 1) * E]
        weights = softmax_along(q @ k.swapaxes(1, 2) / d**0.5, 2)
        reads.append(weights @ v)
    return np.concatenate(reads, axis=2) @ W_o
"""
EINSUM_HEADS = """
def multi_head(X, W_q, W_k, W_v, W_o, heads):
    D = X.shape[2]
    Q, K, V = (W.reshape(D, heads, -1) for W in (W_q, W_k, W_v))
    q, k, v = (np.einsum("btx,xhd->bthd", X, W) for W in (Q, K, V))
    e = np.exp(np.einsum("bthd,buhd->bhtu", q, k) / q.shape[-1] ** 0.5)
    weights = e / e.sum(axis=3, keepdims=True)
    return np.einsum("bhtu,buhe,heo->bto", weights, v, W_o.reshape(heads, v.shape[-1], -1))
"""
WAVES = """
def sinusoids(places, D):
    vectors = np.zeros((len(places), D))
    for i in range(D // 2):
        wave = 10000 ** (2 * i / D)
        vectors[:, 2 * i] = np.sin(places / wave)
        vectors[:, 2 * i + 1] = np.cos(places / wave)
    return vectors
"""
SHIFTED_WAVES = """
def sinusoids(places, D):
    column = np.arange(D)
    speed = np.exp(-np.log(10000.0) * (column - column % 2) / D)
    return np.sin(np.outer(places, speed) + np.pi / 2 * (column % 2))
"""
LISTED_WAVES = """
def sinusoids(places, D):
    rows = []
    for t in places.tolist():
        row = []
        for column in range(0, D, 2):
            angle = t / 10000 ** (column / D)
            row += [np.sin(angle), np.cos(angle)]
        rows.append(row)
    return np.array(rows)
"""
ROTARY = """
def rotary_scores(q, k, q_places, k_places):
    def turn(x, places):
        N, D = x.shape
        angles = places[:, None] / 10000 ** (2 * np.arange(D // 2) / D)
        out = np.zeros((N, D))
        out[:, 0::2] = x[:, 0::2] * np.cos(angles) - x[:, 1::2] * np.sin(angles)
        out[:, 1::2] = x[:, 0::2] * np.sin(angles) + x[:, 1::2] * np.cos(angles)
        return out
    return turn(q, q_places) @ turn(k, k_places).T
"""
RELATIVE = """
def rotary_scores(q, k, q_places, k_places):
    scores = np.zeros((len(q), len(k)))
    D = q.shape[1]
    for i in range(D // 2):
        angle = (q_places[:, None] - k_places[None, :]) * 10000 ** (-2 * i / D)
        a, b, c, d = q[:, None, 2 * i], q[:, None, 2 * i + 1], k[None, :, 2 * i], k[None, :, 2 * i + 1]
        scores += (a * c + b * d) * np.cos(angle) + (a * d - b * c) * np.sin(angle)
    return scores
"""
MATRICES = """
def rotary_scores(q, k, q_places, k_places):
    def turn(row, t):
        D = len(row)
        R = np.zeros((D, D))
        for i in range(0, D, 2):
            angle = t / 10000 ** (i / D)
            R[i : i + 2, i : i + 2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        return R @ row
    q = np.array([turn(*pair) for pair in zip(q, q_places)])
    k = np.array([turn(*pair) for pair in zip(k, k_places)])
    return q @ k.T
"""
LOOKS = """
def is_causal(attention, x):
    before = attention(x)
    for t in range(x.shape[1] - 1):
        other = x.copy()
        other[:, t + 1 :] = np.random.normal(size=other[:, t + 1 :].shape)
        after = attention(other)
        if not np.allclose(before[:, : t + 1], after[:, : t + 1]):
            return False
    return True
"""
PREFIXES = """
def is_causal(attention, x):
    whole = attention(x)
    return all(np.allclose(attention(x[:, :t])[:, -1], whole[:, t - 1]) for t in range(1, x.shape[1] + 1))
"""
ONE_WORD = """
def is_causal(attention, x):
    before = attention(x)
    moved = 0
    for t in range(1, x.shape[1]):
        other = x.copy()
        other[:, t] = np.random.normal(size=other[:, t].shape)
        moved = max(moved, np.abs(attention(other) - before)[:, :t].max())
    return bool(moved < 1e-6)
"""
COSTS = """
def costs(lengths, d, width):
    cost, path = [], []
    for n in lengths.tolist():
        plain, reach = 0, 1
        while reach < n:
            plain += 1
            reach += width - 1
        dilated, reach, gap = 0, 1, 1
        while reach < n:
            dilated += 1
            reach += (width - 1) * gap
            gap *= width
        conv = n * width * d * d
        attention = 3 * n * d * d + n * n * d + n * n * d
        recurrence = n * (d * d + d * d)
        cost.append([attention, recurrence, plain * conv, dilated * conv])
        path.append([1, n, plain, dilated])
    return np.array(cost), np.array(path)
"""
FORMULAS = """
def costs(lengths, d, width):
    n = lengths
    plain = np.ceil((n - 1) / (width - 1)).astype(int)
    dilated = np.ceil(np.log(n) / np.log(width) - 1e-9).astype(int)
    path = np.stack([np.ones_like(n), n, plain, dilated], axis=1)
    conv = width * n * d**2
    cost = np.stack([n * d * (3 * d + 2 * n), 2 * n * d**2, plain * conv, dilated * conv], axis=1)
    return cost, path
"""
POWERS = """
def costs(lengths, d, width):
    def layers(n):
        return 0 if n <= 1 else 1 + layers(-(-n // width))
    dilated = np.array([layers(int(n)) for n in lengths])
    plain = (lengths + width - 3) // (width - 1)
    path = np.array([np.ones(len(lengths), dtype=int), lengths, plain, dilated]).T
    one = lengths * d * d
    cost = np.array([3 * one + 2 * d * lengths**2, 2 * one, width * plain * one, width * dilated * one]).T
    return cost, path
"""
DRAW = "np.random.normal(size=other[:, t + 1 :].shape)"  # in LOOKS
RIGHT = {
    "11.1": [written(HEAD), written(LOOPED_HEAD), written(BILINEAR_HEAD), written(COLUMN_HEAD)],
    "11.2": [written(CAUSAL), written(INFINITE), written(LOOPED_CAUSAL)],
    "11.3": [written(HEADS), written(LOOPED_HEADS), written(EINSUM_HEADS)],
    "11.4": [written(WAVES), written(SHIFTED_WAVES), written(LISTED_WAVES)],
    "11.5": [written(ROTARY), written(RELATIVE), written(MATRICES)],
    "11.6": [
        written(LOOKS),
        written(PREFIXES),
        written(ONE_WORD),
        changed(LOOKS, (DRAW, "0")),
        changed(LOOKS, (DRAW, "-x[:, t + 1 :]")),
        changed(LOOKS, (DRAW, "1e6 * np.random.normal(size=x[:, t + 1 :].shape)")),
    ],
    "11.7": [written(COSTS), written(FORMULAS), written(POWERS)],
}
WRONG = {
    "11.1": {
        "no division": changed(HEAD, (" / np.sqrt(W_q.shape[1])", "")),
        "divided by the width itself": changed(HEAD, ("np.sqrt(W_q.shape[1])", "W_q.shape[1]")),
        "the width of a word": changed(LOOPED_HEAD, ("X.shape[0], W_q.shape[1],", "X.shape[0], X.shape[1],")),
        "the width of a value": changed(HEAD, ("np.sqrt(W_q.shape[1])", "np.sqrt(V.shape[-1])")),
        "the number of words": changed(COLUMN_HEAD, ("len(q)", "q.shape[1]")),
        "divided after the softmax": changed(
            HEAD,
            (" / np.sqrt(W_q.shape[1])", ""),
            ("softmax_along(scores, 1)", "softmax_along(scores, 1) / np.sqrt(len(W_q.T))"),
        ),
        "weights that add up to 1 over the queries": changed(HEAD, ("softmax_along(scores, 1)", "softmax_along(scores, 0)")),
        "keys and queries exchanged": changed(HEAD, ("Q @ K.T", "K @ Q.T")),
        "the weights turned over": changed(LOOPED_HEAD, ("read[i] += a[j] * (X[j] @ W_v)", "read[j] += a[j] * (X[i] @ W_v)")),
        "the scores for weights": changed(HEAD, ("softmax_along(scores, 1)", "scores")),
        "the words for values": changed(HEAD, ("weights @ V", "weights @ X")),
        "the keys ask": changed(HEAD, ("Q = X @ W_q", "Q = X @ W_k")),
        "the queries answer": changed(HEAD, ("K = X @ W_k", "K = X @ W_q")),
        "overflow": changed(HEAD, ("np.exp(scores - scores.max(axis, keepdims=True))", "np.exp(scores)")),
    },
    "11.2": {
        "the future in place of the past": changed(CAUSAL, ("np.tril", "np.triu")),
        "a word that does not see itself": changed(
            CAUSAL, ("np.tril(np.ones((T, T), dtype=bool))", "np.tril(np.ones((T, T), dtype=bool), k=-1)")
        ),
        "one word too many": changed(INFINITE, ("np.tri(T, dtype=bool)", "np.tri(T, k=1, dtype=bool)")),
        "the future seen": changed(LOOPED_CAUSAL, ("range(i + 1)", "range(T)")),
        "padding seen": changed(LOOPED_CAUSAL, (" if real[b, j]", "")),
        "either of the two": changed(CAUSAL, ("past[None] & real", "past[None] | real")),
        "the mask turned round": changed(LOOPED_CAUSAL, ("if real[b, j]", "if not real[b, j]")),
        "padding that asks": changed(CAUSAL, ("real[:, None, :]", "real[:, :, None]")),
        "padding on both sides": changed(CAUSAL, ("real[:, None, :]", "real[:, None, :] & real[:, :, None]")),
        "the first sentence's padding for all": changed(LOOPED_CAUSAL, ("real[b, j]", "real[0, j]")),
        "the mask after the softmax": changed(CAUSAL, ("softmax_along(hidden, -1)", "softmax_along(scores, -1)")),
        "hidden scores set to 0": changed(CAUSAL, ("-1e9)", "0)"), ("return weights * mask", "return weights")),
        "softmax over the queries": changed(CAUSAL, ("softmax_along(hidden, -1)", "softmax_along(hidden, 1)")),
        "weights where nothing is seen": changed(CAUSAL, ("return weights * mask", "return weights")),
        "NaN where nothing is seen": changed(INFINITE, ("np.nan_to_num(weights)", "weights")),
        "hidden words in the softmax": written(RENORMALISED),
        "nothing but NaN": changed(
            CAUSAL, ("np.where(mask, scores, -1e9)", "scores + ~mask * -np.inf"), ("return weights * mask", "return weights")
        ),
    },
    "11.3": {
        "words mixed up by the split": changed(
            HEADS,
            (".reshape(B, T, heads, d).transpose(0, 2, 1, 3)", ".reshape(B, heads, T, d)"),
            (".reshape(B, T, heads, E).transpose(0, 2, 1, 3)", ".reshape(B, heads, T, E)"),
        ),
        "words mixed up by the join": changed(HEADS, ("read.transpose(0, 2, 1, 3).reshape", "read.reshape")),
        "words mixed up both ways": changed(
            HEADS,
            (".reshape(B, T, heads, d).transpose(0, 2, 1, 3)", ".reshape(B, heads, T, d)"),
            (".reshape(B, T, heads, E).transpose(0, 2, 1, 3)", ".reshape(B, heads, T, E)"),
            ("read.transpose(0, 2, 1, 3).reshape", "read.reshape"),
        ),
        "heads that look at each other": changed(
            HEADS,
            (".reshape(B, T, heads, d).transpose(0, 2, 1, 3)", ".reshape(B, T, heads, d)"),
            (".reshape(B, T, heads, E).transpose(0, 2, 1, 3)", ".reshape(B, T, heads, E)"),
            ("read.transpose(0, 2, 1, 3).reshape", "read.reshape"),
        ),
        "every H-th column": changed(
            LOOPED_HEADS,
            ("h * d : (h + 1) * d", "h::heads"),
            ("h * E : (h + 1) * E", "h::heads"),
            (
                "np.concatenate(reads, axis=2)",
                "np.stack(reads, axis=3).reshape(X.shape[0], X.shape[1], heads * E)",
            ),
        ),
        "heads joined like a zip": changed(
            LOOPED_HEADS,
            (
                "np.concatenate(reads, axis=2)",
                "np.stack(reads, axis=3).reshape(X.shape[0], X.shape[1], heads * E)",
            ),
        ),
        "one head": written(f"""{SOFTMAX}
def multi_head(X, W_q, W_k, W_v, W_o, heads):
    q, k, v = X @ W_q, X @ W_k, X @ W_v
    return softmax_along(q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1]), -1) @ v @ W_o
"""),
        "the first head for all": changed(LOOPED_HEADS, ("h * d : (h + 1) * d", ":d"), ("h * E : (h + 1) * E", ":E")),
        "the width of all heads": changed(HEADS, ("np.sqrt(d)", "np.sqrt(W_q.shape[1])")),
        "the width of a word": changed(HEADS, ("np.sqrt(d)", "np.sqrt(D)")),
        "no division": changed(EINSUM_HEADS, (" / q.shape[-1] ** 0.5", "")),
        "divided by the width itself": changed(LOOPED_HEADS, ("d**0.5", "d")),
        "softmax over the heads": changed(EINSUM_HEADS, ("axis=3", "axis=1")),
        "softmax over the queries": changed(HEADS, ("softmax_along(scores, -1)", "softmax_along(scores, -2)")),
        "the output map left out": changed(HEADS, ("joined @ W_o", "joined")),
    },
    "11.4": {
        "sines, then cosines": written("""
def sinusoids(places, D):
    angles = places[:, None] / 10000 ** (np.arange(0, D, 2) / D)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
"""),
        "the cosine first": changed(LISTED_WAVES, ("[np.sin(angle), np.cos(angle)]", "[np.cos(angle), np.sin(angle)]")),
        "sines alone": changed(WAVES, ("np.cos", "np.sin")),
        "half the exponent": changed(WAVES, ("2 * i / D", "i / D")),
        "twice the exponent": changed(LISTED_WAVES, ("(column / D)", "(2 * column / D)")),
        "an exponent for each column": changed(SHIFTED_WAVES, ("(column - column % 2)", "column")),
        "the last wave 10000 long": changed(WAVES, ("2 * i / D", "i / (D / 2 - 1)")),
        "multiplied": changed(WAVES, ("places / wave", "places * wave")),
        "one wave for all pairs": changed(LISTED_WAVES, (" / 10000 ** (column / D)", "")),
        "degrees": changed(LISTED_WAVES, ("row +=", "angle = np.deg2rad(angle)\n            row +=")),
        "places from 1": changed(WAVES, ("places / wave", "(places + 1) / wave")),
        "places counted anew": changed(LISTED_WAVES, ("places.tolist()", "range(len(places))")),
        "columns in place of rows": changed(WAVES, ("return vectors", "return vectors.T")),
    },
    "11.5": {
        "the keys not turned": changed(ROTARY, ("turn(k, k_places)", "k")),
        "the queries not turned": changed(ROTARY, ("turn(q, q_places)", "q")),
        "the keys turned against the queries": changed(RELATIVE, ("- k_places", "+ k_places")),
        "turned the other way": changed(MATRICES, ("-np.sin(angle)], [np.sin(angle)", "np.sin(angle)], [-np.sin(angle)")),
        "no rotation": changed(ROTARY, ("np.cos(angles) - x", "np.cos(angles) + x")),
        "the new first number in the second": changed(
            ROTARY,
            ("out = np.zeros((N, D))", "out = x.copy()"),
            ("= x[:, 0::2] * np.sin(angles) +", "= out[:, 0::2] * np.sin(angles) +"),
        ),
        "each number by itself": changed(
            ROTARY,
            (" - x[:, 1::2] * np.sin(angles)", ""),
            ("x[:, 0::2] * np.sin(angles) + x[:, 1::2] * np.cos(angles)", "x[:, 1::2] * np.sin(angles)"),
        ),
        "pairs of two halves": written("""
def rotary_scores(q, k, q_places, k_places):
    def turn(x, places):
        half = x.shape[1] // 2
        angles = places[:, None] * 10000.0 ** (-np.arange(half) / half)
        a, b = x[:, :half], x[:, half:]
        return np.hstack([a * np.cos(angles) - b * np.sin(angles), a * np.sin(angles) + b * np.cos(angles)])
    return turn(q, q_places) @ turn(k, k_places).T
"""),
        "half the exponent": changed(ROTARY, ("2 * np.arange(D // 2) / D", "np.arange(D // 2) / D")),
        "twice the exponent": changed(MATRICES, ("(i / D)", "(2 * i / D)")),
        "faster and faster": changed(RELATIVE, ("10000 ** (-2 * i / D)", "10000 ** (2 * i / D)")),
        "one speed for all pairs": changed(MATRICES, (" / 10000 ** (i / D)", "")),
        "positions added": changed(
            ROTARY,
            ("x[:, 0::2] * np.cos(angles) - x[:, 1::2] * np.sin(angles)", "x[:, 0::2] + np.sin(angles)"),
            ("x[:, 0::2] * np.sin(angles) + x[:, 1::2] * np.cos(angles)", "x[:, 1::2] + np.cos(angles)"),
        ),
        "places counted anew": changed(ROTARY, ("places[:, None]", "np.arange(N)[:, None]")),
        "divided by the root": changed(RELATIVE, ("return scores", "return scores / D**0.5")),
        "weights in place of scores": changed(
            MATRICES, ("return q @ k.T", "e = np.exp(q @ k.T)\n    return e / e.sum(axis=1, keepdims=True)")
        ),
    },
    "11.6": {
        "turned round": changed(
            LOOKS, ("return False", "return None"), ("return True", "return False"), ("return None", "return True")
        ),
        "every output compared": changed(LOOKS, ("[:, : t + 1]", "")),
        "the changed word's own output": changed(LOOKS, ("[:, : t + 1]", "[:, : t + 2]")),
        "one output too few": changed(LOOKS, ("[:, : t + 1]", "[:, :t]")),
        "the past changed": changed(
            LOOKS, ("t + 1 :]", ": t + 1]"), ("before[:, : t + 1], after[:, : t + 1]", "before[:, t + 1 :], after[:, t + 1 :]")
        ),
        "the last word changed": changed(LOOKS, ("range(x.shape[1] - 1)", "[x.shape[1] - 2]")),
        "the last word dropped": written("""
def is_causal(attention, x):
    shorter = attention(x[:, :-1])
    return bool(np.allclose(shorter, attention(x)[:, :-1]))
"""),
        "words and outputs moved together": written("""
def is_causal(attention, x):
    order = np.random.permutation(x.shape[1])
    return bool(np.allclose(attention(x[:, order]), attention(x)[:, order]))
"""),
        "changes that pile up": changed(LOOKS, ("other = x.copy()", "other = x")),
        "the first output compared": changed(LOOKS, ("range(x.shape[1] - 1)", "[0]")),
        "one cut in the middle": changed(LOOKS, ("range(x.shape[1] - 1)", "[x.shape[1] // 2 - 1]")),
        "the future in another order": changed(LOOKS, (DRAW, "np.roll(x[:, t + 1 :], 1, axis=1)")),
        "the same added everywhere": changed(LOOKS, (DRAW, "x[:, t + 1 :] - 0.5")),
        "longer words": changed(LOOKS, (DRAW, "10 * x[:, t + 1 :]")),
        "a small nudge": changed(
            LOOKS,
            (
                DRAW,
                f"x[:, t + 1 :] + 1e-4 * {DRAW}",
            ),
        ),
        "equal to the last bit": changed(LOOKS, ("np.allclose(", "np.array_equal(")),
    },
    "11.7": {
        "scores or sum left out": changed(COSTS, (" + n * n * d + n * n * d", " + n * n * d")),
        "the three maps left out": changed(FORMULAS, ("n * d * (3 * d + 2 * n)", "2 * n**2 * d")),
        "one map for three": changed(COSTS, ("3 * n * d * d", "n * d * d")),
        "an output map": changed(FORMULAS, ("3 * d + 2 * n", "4 * d + 2 * n")),
        "one number for a score": changed(COSTS, ("n * n * d + n * n * d", "2 * n * n")),
        "half of all pairs": changed(COSTS, ("n * n * d + n * n * d", "n * (n + 1) // 2 * d * 2")),
        "one map in the recurrence": changed(COSTS, ("(d * d + d * d)", "d * d")),
        "one step of the recurrence": changed(COSTS, ("n * (d * d + d * d)", "2 * d * d")),
        "each entry by itself": changed(FORMULAS, ("width * n * d**2", "width * n * d")),
        "the width left out": changed(COSTS, ("n * width * d * d", "n * d * d")),
        "one layer for the stack": changed(COSTS, ("plain * conv, dilated * conv", "conv, conv")),
        "the path of attention as long as the sentence": changed(COSTS, ("[1, n,", "[n, n,")),
        "steps between the words": changed(COSTS, ("[1, n,", "[1, n - 1,")),
        "the first step left out": changed(
            COSTS, ("n * (d * d + d * d)", "(n - 1) * (d * d + d * d)"), ("[1, n,", "[1, n - 1,")
        ),
        "dilated, one too many": changed(
            FORMULAS, ("np.ceil(np.log(n) / np.log(width) - 1e-9)", "1 + np.floor(np.log(n) / np.log(width) + 1e-9)")
        ),
        "a whole width for each layer": changed(FORMULAS, ("(n - 1) / (width - 1)", "n / width")),
        "one word too many to reach": changed(FORMULAS, ("(n - 1) / (width - 1)", "n / (width - 1)")),
        "rounded down": changed(POWERS, ("(lengths + width - 3) // (width - 1)", "((lengths - 1) // (width - 1)).clip(1)")),
        "dilation forgotten": changed(COSTS, ("            gap *= width\n", "")),
        "dilation that doubles": changed(COSTS, ("(width - 1) * gap", "gap"), ("gap *= width", "gap *= 2")),
        "dilated, rounded down": changed(
            FORMULAS,
            (
                "np.ceil(np.log(n) / np.log(width) - 1e-9).astype(int)",
                "np.maximum(np.floor(np.log(n) / np.log(width) + 1e-9).astype(int), 1)",
            ),
        ),
        "a rounded logarithm": changed(FORMULAS, (" - 1e-9", "")),
    },
}
SLOPPY = {  # no misconception of the list, but wrong
    "11.1": {
        "the values": written("def self_attention(X, W_q, W_k, W_v): return X @ W_v"),
        "the mean value": written(
            "def self_attention(X, W_q, W_k, W_v): return np.repeat((X @ W_v).mean(0, keepdims=True), len(X), axis=0)"
        ),
        "the weights": changed(HEAD, ("weights @ V", "weights")),
        "times the root": changed(HEAD, ("/ np.sqrt", "* np.sqrt")),
        "divided twice": changed(HEAD, ("Q = X @ W_q", "Q = X @ W_q / np.sqrt(W_q.shape[1])")),
        "softmax of everything": changed(
            HEAD, ("softmax_along(scores, 1)", "softmax_along(scores.ravel(), 0).reshape(scores.shape)")
        ),
        "the best word alone": changed(
            HEAD, ("weights = softmax_along(scores, 1)", "weights = np.eye(len(X))[scores.argmax(1)]")
        ),
        "the word itself left out": changed(
            HEAD, ("    weights =", "    scores = scores - 1e9 * np.eye(len(X))\n    weights =")
        ),
        "a causal mask": changed(HEAD, ("    weights =", "    scores = np.where(np.tri(len(X)), scores, -1e9)\n    weights =")),
        "the last word left out": changed(
            LOOPED_HEAD, ("for j in range(T):\n            read", "for j in range(T - 1):\n            read")
        ),
        "the sign": changed(HEAD, ("Q @ K.T", "-Q @ K.T")),
        "a float32 scale, rounded": changed(HEAD, ("np.sqrt(W_q.shape[1])", "round(np.sqrt(W_q.shape[1]) + 0.3)")),
        "keys for values": changed(HEAD, ("V = X @ W_v", "V = X @ W_k")),
        "added to the word": changed(HEAD, ("weights @ V", "weights @ V + V")),
        "columns": changed(COLUMN_HEAD, ("(v @ weights).T", "v @ weights")),
        "fails for one word": changed(HEAD, ("weights @ V", "(weights @ V).squeeze()")),
    },
    "11.2": {
        "the scores": written("def causal_weights(scores, real): return scores"),
        "softmax alone": written(f"{SOFTMAX}\ndef causal_weights(scores, real): return softmax_along(scores, -1)"),
        "the mask": changed(CAUSAL, ("return weights * mask", "return mask")),
        "even weights": changed(CAUSAL, ("return weights * mask", "return mask / np.maximum(mask.sum(-1, keepdims=True), 1)")),
        "overflow": written(NAIVE_CAUSAL.replace("np.exp(scores) * mask", "np.exp(scores + 800) * mask")),
        "not low enough": changed(CAUSAL, ("-1e9", "-20.0"), ("return weights * mask", "return weights")),
        "a small number added": changed(LOOPED_CAUSAL, ("e.sum()", "(e.sum() + 0.01)")),
        "columns turned": changed(CAUSAL, ("return weights * mask", "return (weights * mask).swapaxes(1, 2)")),
        "the last row left out": changed(LOOPED_CAUSAL, ("for i in range(T)", "for i in range(T - 1)")),
        "the first word always": changed(LOOPED_CAUSAL, ("if real[b, j]", "if j == 0 or real[b, j]")),
        "the word itself always": changed(LOOPED_CAUSAL, ("if real[b, j]", "if j == i or real[b, j]")),
        "padding on the right alone": changed(
            CAUSAL, ("    hidden =", "    mask = past & (np.arange(T) < real.sum(1)[:, None, None])\n    hidden =")
        ),
        "wrong for a batch of one": changed(CAUSAL, ("return weights * mask", "return (weights * mask).squeeze()")),
        "divided by the root": changed(CAUSAL, ("np.where(mask, scores,", "np.where(mask, scores / np.sqrt(T),")),
        "a list": changed(CAUSAL, ("return weights * mask", "return (weights * mask).tolist()")),
    },
    "11.3": {
        "nothing but the maps": written("def multi_head(X, W_q, W_k, W_v, W_o, heads): return X @ W_v @ W_o"),
        "the last head left out": changed(LOOPED_HEADS, ("range(heads)", "range(heads - 1)"), ("@ W_o", "@ W_o[: -E]")),
        "the heads in reverse": changed(LOOPED_HEADS, ("range(heads)", "reversed(range(heads))")),
        "the mean of the heads": changed(
            LOOPED_HEADS, ("np.concatenate(reads, axis=2)", "np.tile(np.mean(reads, axis=0), heads)")
        ),
        "the width of the values": changed(HEADS, ("np.sqrt(d)", "np.sqrt(E)")),
        "the number of heads": changed(HEADS, ("np.sqrt(d)", "np.sqrt(heads)")),
        "keys not split alike": changed(LOOPED_HEADS, ("W_k[:, h * d : (h + 1) * d]", "W_k[:, h::heads]")),
        "values not split alike": changed(LOOPED_HEADS, ("W_v[:, h * E : (h + 1) * E]", "W_v[:, h::heads]")),
        "queries and keys exchanged": changed(HEADS, ("q @ k.transpose(0, 1, 3, 2)", "k @ q.transpose(0, 1, 3, 2)")),
        "softmax over the batch": changed(EINSUM_HEADS, ("axis=3", "axis=0")),
        "a causal mask": changed(HEADS, ("    weights =", "    scores = np.where(np.tri(T), scores, -1e9)\n    weights =")),
        "the words added": changed(HEADS, ("joined @ W_o", "joined @ W_o + X[..., : W_o.shape[1]]")),
        "the first sentence": changed(HEADS, ("joined @ W_o", "joined[:1] @ W_o")),
        "wrong for a batch of one": changed(HEADS, ("joined @ W_o", "(joined @ W_o).squeeze()")),
        "the output map turned": changed(HEADS, ("joined @ W_o", "joined @ W_o[::-1]")),
    },
    "11.4": {
        "zeros": written("def sinusoids(places, D): return np.zeros((len(places), D))"),
        "the places": written("def sinusoids(places, D): return np.repeat(places[:, None], D, axis=1) * 1.0"),
        "base 1000": changed(WAVES, ("10000", "1000")),
        "base e": changed(WAVES, ("10000", "np.e")),
        "a full turn": changed(WAVES, ("places / wave", "2 * np.pi * places / wave")),
        "pairs from 1": changed(WAVES, ("2 * i / D", "2 * (i + 1) / D")),
        "pairs backwards": changed(WAVES, ("(2 * i / D)", "(1 - 2 * i / D)")),
        "rounded": changed(WAVES, ("return vectors", "return vectors.round(2)")),
        "whole numbers": changed(WAVES, ("np.zeros((len(places), D))", "np.zeros((len(places), D), dtype=int)")),
        "whole division": changed(LISTED_WAVES, ("(column / D)", "(column // D)")),
        "places scaled": changed(WAVES, ("places / wave", "places / len(places) / wave")),
        "sorted": changed(WAVES, ("    vectors =", "    places = np.sort(places)\n    vectors =")),
        "the last pair left out": changed(WAVES, ("range(D // 2)", "range(D // 2 - 1)")),
        "tangents": changed(WAVES, ("np.cos", "np.tan")),
        "normalised": changed(WAVES, ("return vectors", "return vectors / np.sqrt(D)")),
    },
    "11.5": {
        "plain products": written("def rotary_scores(q, k, q_places, k_places): return q @ k.T"),
        "zeros": written("def rotary_scores(q, k, q_places, k_places): return np.zeros((len(q), len(k)))"),
        "turned over": changed(
            ROTARY, ("return turn(q, q_places) @ turn(k, k_places).T", "return turn(k, k_places) @ turn(q, q_places).T")
        ),
        "places exchanged": changed(MATRICES, ("zip(q, q_places)", "zip(q, np.resize(k_places, len(q)))")),
        "the key's place alone": changed(RELATIVE, ("q_places[:, None] - k_places[None, :]", "-k_places[None, :]")),
        "the distance, without sign": changed(
            RELATIVE, ("(q_places[:, None] - k_places[None, :])", "abs(q_places[:, None] - k_places[None, :])")
        ),
        "cosines alone": changed(RELATIVE, (" + (a * d - b * c) * np.sin(angle)", "")),
        "the first pair alone": changed(RELATIVE, ("range(D // 2)", "range(1)")),
        "the last pair left out": changed(RELATIVE, ("range(D // 2)", "range(D // 2 - 1)")),
        "degrees": changed(
            ROTARY, ("np.cos(angles)", "np.cos(np.radians(angles))"), ("np.sin(angles)", "np.sin(np.radians(angles))")
        ),
        "base 1000": changed(ROTARY, ("10000", "1000")),
        "places from 1": changed(MATRICES, ("zip(k, k_places)", "zip(k, k_places + 1)")),
        "a bias of the distance": written(
            "def rotary_scores(q, k, q_places, k_places): return q @ k.T - abs(q_places[:, None] - k_places) / 8"
        ),
        "cosines of the vectors": changed(
            ROTARY,
            ("    return turn(q", "    q, k = (x / np.linalg.norm(x, axis=1)[:, None] for x in (q, k))\n    return turn(q"),
        ),
        "vectors": changed(
            ROTARY, ("return turn(q, q_places) @ turn(k, k_places).T", "return turn(q, q_places), turn(k, k_places)")
        ),
        "wrong for one query": changed(
            ROTARY, ("@ turn(k, k_places).T", "@ turn(k, k_places).T.squeeze() + len(q) // 2 * 0 + (len(q) == 1)")
        ),
    },
    "11.6": {
        "always": written("def is_causal(attention, x): return True"),
        "never": written("def is_causal(attention, x): return False"),
        "one or zero": changed(LOOKS, ("return True", "return 1"), ("return False", "return 0")),
        "a word": changed(LOOKS, ("return True", "return 'yes'"), ("return False", "return 'no'")),
        "each place": written("""
def is_causal(attention, x):
    before, after = attention(x), attention(np.random.normal(size=x.shape))
    return np.isclose(before, after).all(axis=(0, 2))
"""),
        "nothing changed": changed(LOOKS, (DRAW, "x[:, t + 1 :]")),
        "one shape alone": written("""
def is_causal(attention, x):
    y = attention(x)
    return bool(np.allclose(y[:, 0], attention(x[:, :1])[:, 0]))
"""),
        "sums": changed(LOOKS, ("before[:, : t + 1], after[:, : t + 1]", "before.sum(), after.sum()")),
        "too wide a tolerance": changed(LOOKS, ("after[:, : t + 1])", "after[:, : t + 1], atol=10)")),
        "the first sentence, the first number": changed(LOOKS, ("[:, : t + 1]", "[0, t - 3, 0]")),
        "the first cut decides": changed(
            LOOKS, ("            return False\n", "            return False\n        return True\n")
        ),
        "the last cut decides": changed(
            LOOKS, ("        if not", "    if not"), ("            return False", "        return False")
        ),
        "zero outputs": written("def is_causal(attention, x): return bool(np.allclose(attention(x)[:, 0], 0))"),
        "words next to each other exchanged": changed(LOOKS, (DRAW, "x[:, t + 1 :][:, ::-1]")),
    },
    "11.7": {
        "nothing": written("def costs(lengths, d, width): return lengths, lengths"),
        "zeros": written("def costs(lengths, d, width): return (np.zeros((len(lengths), 4), dtype=int),) * 2"),
        "orders": changed(FORMULAS, ("n * d * (3 * d + 2 * n)", "n**2 * d"), ("2 * n * d**2", "n * d**2")),
        "paths first": changed(FORMULAS, ("return cost, path", "return path, cost")),
        "rows and columns": changed(POWERS, ("]).T", "])")),
        "floating": changed(FORMULAS, ("astype(int)", "astype(float)")),
        "additions too": changed(COSTS, ("append([attention,", "append([2 * attention,")),
        "softmax counted": changed(COSTS, ("3 * n * d * d + n", "n * n + 3 * n * d * d + n")),
        "a quadratic map": changed(COSTS, ("3 * n * d * d", "3 * d * d")),
        "an LSTM": changed(COSTS, ("n * (d * d + d * d)", "4 * n * (d * d + d * d)")),
        "the recurrence without its first step": changed(COSTS, ("n * (d * d + d * d)", "n * d * d + (n - 1) * d * d")),
        "no zeros multiplied": changed(COSTS, ("n * width * d * d", "(n - width + 1) * width * d * d")),
        "both sides": changed(
            COSTS,
            (
                "plain, reach = 0, 1\n        while reach < n:\n            plain += 1\n            reach += width - 1",
                "plain = -(-(n - 1) // (width // 2))",
            ),
        ),
        "one layer more": changed(COSTS, ("plain, reach = 0, 1", "plain, reach = 1, 1")),
        "the stack for all": changed(COSTS, ("append([attention,", "append([attention * plain,")),
        "the order of columns": changed(COSTS, ("[attention, recurrence,", "[recurrence, attention,")),
        "the first length": changed(COSTS, ("lengths.tolist()", "lengths.tolist()[:1]")),
        "only the stack's last layer": changed(COSTS, ("dilated * conv]", "conv]")),
    },
}
