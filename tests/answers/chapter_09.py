"""Answers to the tasks of chapter 09."""

from answers import changed, written

PRODUCTS = """
def product_scores(query, key, kind, W=None):
    keys = key.transpose(0, 2, 1)
    if kind == "dot":
        return query @ keys
    if kind == "general":
        return query @ W @ keys
    return query @ keys / np.sqrt(query.shape[-1])
"""
LOOPED_PRODUCTS = """
def product_scores(query, key, kind, W=None):
    B, Q, D = query.shape
    K = key.shape[1]
    scores = np.zeros((B, Q, K))
    for b in range(B):
        for i in range(Q):
            for j in range(K):
                if kind == "general":
                    scores[b, i, j] = query[b, i] @ (W @ key[b, j])
                else:
                    scores[b, i, j] = sum(query[b, i] * key[b, j])
    if kind == "scaled dot":
        scores = scores / D ** 0.5
    return scores
"""
SPREAD_PRODUCTS = """
def product_scores(query, key, kind, W=None):
    if kind == "general":
        key = key @ W.T
    scores = (query[:, :, None, :] * key[:, None, :, :]).sum(axis=3)
    if kind == "scaled dot":
        scores /= query.shape[2] ** 0.5
    return scores
"""
COSINES = """
def cosine_weights(query, key, beta):
    def direction(x):
        norm = np.linalg.norm(x, axis=-1, keepdims=True)
        norm[norm == 0] = 1
        return x / norm
    scores = beta[..., None] * (direction(query) @ direction(key).transpose(0, 2, 1))
    scores = scores - scores.max(axis=-1, keepdims=True)
    e = np.exp(scores)
    return e / e.sum(axis=-1, keepdims=True)
"""
LOOPED_COSINES = """
def cosine_weights(query, key, beta):
    B, Q, _ = query.shape
    K = key.shape[1]
    weights = np.zeros((B, Q, K))
    for b in range(B):
        for i in range(Q):
            cosines = np.zeros(K)
            for j in range(K):
                q, k = query[b, i], key[b, j]
                below = np.sqrt(q @ q) * np.sqrt(k @ k)
                if below > 0:
                    cosines[j] = q @ k / below
            e = np.exp(beta[b, i] * (cosines - cosines.max()))
            weights[b, i] = e / e.sum()
    return weights
"""
POWERS = """
def cosine_weights(query, key, beta):
    q = np.linalg.norm(query, axis=2)[:, :, None]
    k = np.linalg.norm(key, axis=2)[:, None, :]
    cosines = np.einsum("bqd,bkd->bqk", query, key) / (q * k)
    cosines = np.where(np.isnan(cosines), 0, cosines)
    soft = np.exp(cosines) / np.exp(cosines).sum(axis=2, keepdims=True)
    soft = soft / soft.max(axis=2, keepdims=True)
    sharp = soft ** beta[:, :, None]
    return sharp / sharp.sum(axis=2, keepdims=True)
"""
SCALE = """
def logit_scale(mean_q, var_q, mean_k, var_k):
    variance = 0
    for mq, vq, mk, vk in zip(mean_q, var_q, mean_k, var_k):
        variance += vq * vk + mq ** 2 * vk + mk ** 2 * vq
    return 1 / np.sqrt(variance)
"""
SQUARES_SCALE = """
def logit_scale(mean_q, var_q, mean_k, var_k):
    square_q = var_q + mean_q ** 2
    square_k = var_k + mean_k ** 2
    variances = square_q * square_k - (mean_q * mean_k) ** 2
    return float(np.sum(variances)) ** -0.5
"""
DOT_SCALE = """
def logit_scale(mean_q, var_q, mean_k, var_k):
    both = var_q @ var_k
    from_keys = mean_q ** 2 @ var_k
    from_queries = var_q @ mean_k ** 2
    return 1 / np.sqrt(both + from_keys + from_queries)
"""
PLACES = """
def positional_read(x, P_q, P_k):
    T, n = len(P_q), x.shape[1]
    scores = P_q[T - n:] @ P_k[T - n:].T
    mask = np.tril(np.ones((n, n), dtype=bool))
    scores = np.where(mask, scores, -np.inf)
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights = e / e.sum(axis=1, keepdims=True)
    return weights @ x
"""
LOOPED_PLACES = """
def positional_read(x, P_q, P_k):
    B, n, D = x.shape
    P_q, P_k = P_q[-n:], P_k[-n:]
    out = np.zeros((B, n, D))
    for i in range(n):
        e = np.array([P_q[i] @ P_k[j] for j in range(i + 1)])
        e = np.exp(e - max(e))
        for j in range(i + 1):
            out[:, i] += e[j] / sum(e) * x[:, j]
    return out
"""
WHOLE_TABLE = """
def positional_read(x, P_q, P_k):
    n = x.shape[1]
    table = np.einsum("ir,jr->ij", P_q, P_k)
    table = table[-n:, -n:] + np.triu(np.full((n, n), -1e30), 1)
    log_weights = table - np.logaddexp.reduce(table, axis=1)[:, None]
    return np.einsum("ij,bjd->bid", np.exp(log_weights), x)
"""
LUONG = """
def luong_decode(words, s0, gru, look, W_c):
    B, T, E = words.shape
    s = s0
    h = np.zeros((B, W_c.shape[1]))
    outs, weights = [], []
    for t in range(T):
        x = np.concatenate([words[:, t], h], axis=1)
        s = gru(x, s)
        c, alpha = look(s)
        h = np.tanh(np.concatenate([c, s], axis=1) @ W_c)
        outs.append(h)
        weights.append(alpha)
    return np.stack(outs, axis=1), np.stack(weights, axis=1)
"""
RECURSIVE_LUONG = """
def luong_decode(words, s0, gru, look, W_c, h=None):
    if h is None:
        h = np.zeros((len(s0), W_c.shape[1]))
    s = gru(np.hstack((words[:, 0], h)), s0)
    c, alpha = look(s)
    h = np.tanh(np.hstack((c, s)) @ W_c)
    first, weights = h[:, None], alpha[:, None]
    if words.shape[1] == 1:
        return first, weights
    rest = luong_decode(words[:, 1:], s, gru, look, W_c, h)
    return np.concatenate([first, rest[0]], 1), np.concatenate([weights, rest[1]], 1)
"""
FILLED_LUONG = """
def luong_decode(words, s0, gru, look, W_c):
    B, T, E = words.shape
    h = np.zeros((B, T + 1, W_c.shape[1]))
    alphas = []
    for t in range(T):
        s0 = gru(np.c_[words[:, t], h[:, t]], s0)
        c, alpha = look(s0)
        A = c.shape[1]
        h[:, t + 1] = np.tanh(c @ W_c[:A] + s0 @ W_c[A:])
        alphas.append(alpha)
    return h[:, 1:], np.array(alphas).transpose(1, 0, 2)
"""
LOCAL = """
def local_weights(scores, z, lengths, D):
    B, Q, S = scores.shape
    p = lengths[:, None] / (1 + np.exp(-z))
    s = np.arange(S)
    sigma = D / 2
    curve = np.exp(-(s - p[:, :, None]) ** 2 / (2 * sigma ** 2))
    seen = (np.abs(s - p[:, :, None]) <= D) & (s < lengths[:, None, None])
    e = np.where(seen, scores, -np.inf)
    e = np.exp(e - e.max(axis=-1, keepdims=True))
    weights = e / e.sum(axis=-1, keepdims=True)
    return weights * curve
"""
LOOPED_LOCAL = """
def local_weights(scores, z, lengths, D):
    weights = np.zeros(scores.shape)
    for b in range(scores.shape[0]):
        n = lengths[b]
        for q in range(scores.shape[1]):
            p = n * (1 / (1 + np.exp(-z[b, q])))
            first = max(0, int(np.ceil(p - D)))
            last = min(n - 1, int(np.floor(p + D)))
            part = scores[b, q, first : last + 1]
            e = np.exp(part - part.max())
            for i, s in enumerate(range(first, last + 1)):
                weights[b, q, s] = e[i] / e.sum() * np.exp(-((s - p) ** 2) / (2 * (D / 2) ** 2))
    return weights
"""
LOG_LOCAL = """
def local_weights(scores, z, lengths, D):
    away = np.arange(scores.shape[2]) - (lengths[:, None] * np.exp(-np.logaddexp(0, -z)))[..., None]
    hidden = (away < -D) | (away > D) | (np.arange(scores.shape[2]) >= lengths[:, None, None])
    e = np.where(hidden, -1e30, scores)
    log_weights = e - np.logaddexp.reduce(e, axis=-1, keepdims=True)
    return np.exp(log_weights - 2 * away**2 / D**2) * ~hidden
"""
HARD = """
def reinforce(logits, choice, reward, baseline):
    B = len(logits)
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    onehot = np.zeros(p.shape)
    onehot[np.arange(B), choice] = 1
    return (reward - baseline)[:, None] * (onehot - p)
"""
LOOPED_HARD = """
def reinforce(logits, choice, reward, baseline):
    out = np.zeros(logits.shape)
    for b in range(len(logits)):
        e = np.exp(logits[b] - max(logits[b]))
        p = e / sum(e)
        for k in range(len(p)):
            if k == choice[b]:
                out[b, k] = (reward[b] - baseline[b]) * (1 - p[k])
            else:
                out[b, k] = -(reward[b] - baseline[b]) * p[k]
    return out
"""
JACOBIAN_HARD = """
def reinforce(logits, choice, reward, baseline):
    p = np.exp(logits - np.logaddexp.reduce(logits, axis=1)[:, None])
    rows = []
    for row, a, gain in zip(p, choice, reward - baseline):
        of_p = np.zeros(len(row))
        of_p[a] = gain / row[a]
        rows.append((np.diag(row) - np.outer(row, row)) @ of_p)
    return np.array(rows)
"""
RIGHT = {
    "09.1": [
        written(PRODUCTS),
        written(LOOPED_PRODUCTS),
        written(SPREAD_PRODUCTS),
        changed(PRODUCTS, ("query @ W @ keys", 'np.einsum("bqd,de,bke->bqk", query, W, key)')),
    ],
    "09.2": [
        written(COSINES),
        written(LOOPED_COSINES),
        written(POWERS),
        changed(COSINES, ("norm[norm == 0] = 1", "norm = np.maximum(norm, 1e-30)")),
    ],
    "09.3": [written(SCALE), written(SQUARES_SCALE), written(DOT_SCALE)],
    "09.4": [
        written(PLACES),
        written(LOOPED_PLACES),
        written(WHOLE_TABLE),
        changed(PLACES, ("-np.inf", "-1e9")),
        changed(PLACES, ("np.tril(np.ones((n, n), dtype=bool))", "np.arange(n) <= np.arange(n)[:, None]")),
    ],
    "09.5": [written(LUONG), written(RECURSIVE_LUONG), written(FILLED_LUONG)],
    "09.6": [written(LOCAL), written(LOOPED_LOCAL), written(LOG_LOCAL)],
    "09.7": [written(HARD), written(LOOPED_HARD), written(JACOBIAN_HARD)],
}
WRONG = {
    "09.1": {
        "the products not added up": changed(
            PRODUCTS, ("return query @ keys\n    if", "return query[:, :, None] * key[:, None]\n    if")
        ),
        "added up over the keys": changed(
            SPREAD_PRODUCTS,
            (".sum(axis=3)", '.sum(axis=3 if kind == "general" else 2)'),
        ),
        "keys before queries": changed(LOOPED_PRODUCTS, ("(B, Q, K)", "(B, K, Q)"), ("scores[b, i, j]", "scores[b, j, i]")),
        "the first sequence's keys": changed(LOOPED_PRODUCTS, ("key[b, j]", "key[0, j]")),
        "weights in place of scores": changed(
            LOOPED_PRODUCTS,
            ("    return scores", "    e = np.exp(scores)\n    return e / e.sum(axis=-1, keepdims=True)"),
        ),
        "cosines": changed(
            LOOPED_PRODUCTS,
            (
                '    if kind == "scaled dot":',
                '    if kind == "dot":\n'
                "        scores /= np.linalg.norm(query, axis=2)[:, :, None] * np.linalg.norm(key, axis=2)[:, None]\n"
                '    if kind == "scaled dot":',
            ),
        ),
        "every product scaled": changed(LOOPED_PRODUCTS, ('    if kind == "scaled dot":\n        scores', "    scores")),
        "W the other way round": changed(PRODUCTS, ("query @ W @", "query @ W.T @")),
        "W left out": changed(PRODUCTS, ("query @ W @", "query @")),
        "W on both sides": changed(SPREAD_PRODUCTS, ("key = key @ W.T", "query, key = query @ W, key @ W")),
        "general scaled": changed(PRODUCTS, ("query @ W @ keys", "query @ W @ keys / query.shape[-1] ** 0.5")),
        "not scaled": changed(PRODUCTS, (" / np.sqrt(query.shape[-1])", "")),
        "no square root": changed(PRODUCTS, ("np.sqrt(query.shape[-1])", "query.shape[-1]")),
        "the number of keys": changed(PRODUCTS, ("np.sqrt(query.shape[-1])", "np.sqrt(keys.shape[-1])")),
        "the number of queries": changed(SPREAD_PRODUCTS, ("query.shape[2]", "query.shape[1]")),
        "multiplied by the root": changed(LOOPED_PRODUCTS, ("/ D", "* D")),
    },
    "09.2": {
        "products": changed(COSINES, ("return x / norm", "return x")),
        "the query not normalised": changed(COSINES, ("direction(query)", "query")),
        "the keys not normalised": changed(COSINES, ("direction(key)", "key")),
        "lengths along the wrong axis": changed(COSINES, ("norm(x, axis=-1,", "norm(x, axis=1,")),
        "one length for all": changed(
            COSINES, ("np.linalg.norm(x, axis=-1, keepdims=True)", "np.linalg.norm(x) * np.ones((1, 1, 1))")
        ),
        "squared lengths": changed(LOOPED_COSINES, ("np.sqrt(q @ q) * np.sqrt(k @ k)", "(q @ q) * (k @ k)")),
        "absolute values added up": changed(
            LOOPED_COSINES, ("np.sqrt(q @ q) * np.sqrt(k @ k)", "np.abs(q).sum() * np.abs(k).sum()")
        ),
        "not sharpened": changed(COSINES, ("beta[..., None] * ", "")),
        "divided by beta": changed(
            LOOPED_COSINES, ("beta[b, i] * (cosines - cosines.max())", "(cosines - cosines.max()) / beta[b, i]")
        ),
        "beta after the softmax": changed(
            LOOPED_COSINES, ("beta[b, i] * (cosines", "(cosines"), ("e / e.sum()", "beta[b, i] * e / e.sum()")
        ),
        "a power that is not normalised": changed(
            POWERS,
            ("    soft = soft / soft.max(axis=2, keepdims=True)\n", ""),
            ("return sharp / sharp.sum(axis=2, keepdims=True)", "return sharp"),
        ),
        "one beta for all": changed(LOOPED_COSINES, ("beta[b, i]", "beta[b, 0]")),
        "softmax over the queries": changed(
            COSINES, ("scores.max(axis=-1", "scores.max(axis=1"), ("e.sum(axis=-1", "e.sum(axis=1")
        ),
        "one sum for all": changed(
            COSINES,
            ("    scores = scores - scores.max(axis=-1, keepdims=True)\n", ""),
            ("e.sum(axis=-1, keepdims=True)", "e.sum()"),
        ),
        "scores in place of weights": changed(
            POWERS, ("    soft = np", "    return beta[:, :, None] * cosines\n    soft = np")
        ),
        "a number added below the line": changed(POWERS, ("(q * k)", "(q * k + 1e-8)")),
        "NaN for a vector of zeros": changed(COSINES, ("        norm[norm == 0] = 1\n", "")),
        "overflow": changed(COSINES, ("    scores = scores - scores.max(axis=-1, keepdims=True)\n", "")),
    },
    "09.3": {
        "the root of the width alone": changed(SCALE, ("np.sqrt(variance)", "np.sqrt(len(mean_q))")),
        "the width forgotten": changed(SQUARES_SCALE, ("np.sum", "np.mean")),
        "no square root": changed(SCALE, ("np.sqrt(variance)", "variance")),
        "the variance": changed(SCALE, ("return 1 / np.sqrt(variance)", "return variance")),
        "the standard deviation": changed(SCALE, ("return 1 / np.sqrt(variance)", "return np.sqrt(variance)")),
        "deviations added up": changed(
            SCALE,
            ("vq * vk + mq ** 2 * vk + mk ** 2 * vq", "np.sqrt(vq * vk + mq ** 2 * vk + mk ** 2 * vq)"),
            ("np.sqrt(variance)", "variance"),
        ),
        "variances added": changed(SCALE, ("vq * vk + mq ** 2 * vk + mk ** 2 * vq", "vq + vk")),
        "variances taken for deviations": changed(
            SCALE,
            ("        variance +=", "        vq, vk = vq ** 2, vk ** 2\n        variance +="),
        ),
        "every coordinate with every other": changed(
            DOT_SCALE, ("var_q @ var_k", "sum(var_q) * sum(var_k)"), ("mean_q ** 2 @ var_k", "sum(mean_q ** 2) * sum(var_k)")
        ),
        "averages multiplied": written("""
def logit_scale(mean_q, var_q, mean_k, var_k):
    vq, vk, mq, mk = var_q.mean(), var_k.mean(), mean_q.mean(), mean_k.mean()
    return 1 / np.sqrt(len(var_q) * (vq * vk + mq ** 2 * vk + mk ** 2 * vq))
"""),
        "means forgotten": changed(DOT_SCALE, (" + from_keys + from_queries", "")),
        "the keys' means forgotten": changed(DOT_SCALE, (" + from_queries", "")),
        "the queries' means forgotten": changed(DOT_SCALE, (" + from_keys", "")),
        "the mean square for the variance": changed(SQUARES_SCALE, (" - (mean_q * mean_k) ** 2", "")),
        "one mean taken off for all": written("""
def logit_scale(mean_q, var_q, mean_k, var_k):
    squares = (var_q + mean_q ** 2) @ (var_k + mean_k ** 2)
    mean = mean_q @ mean_k
    return 1 / np.sqrt(squares - mean ** 2)
"""),
        "means not squared": changed(DOT_SCALE, ("mean_q ** 2", "mean_q"), ("mean_k ** 2", "mean_k")),
    },
    "09.4": {
        "the future seen": changed(PLACES, ("    scores = np.where(mask, scores, -np.inf)\n", "")),
        "the future alone": changed(PLACES, ("np.tril", "np.triu")),
        "the place itself hidden": changed(
            WHOLE_TABLE, ("), 1)\n", "), 0)\n"), ("np.exp(log_weights)", "np.tril(np.exp(log_weights), -1)")
        ),
        "the mask after the softmax": changed(
            PLACES, ("    scores = np.where(mask, scores, -np.inf)\n", ""), ("weights @ x", "(weights * mask) @ x")
        ),
        "hidden scores set to 0": changed(PLACES, ("np.where(mask, scores, -np.inf)", "np.tril(scores)")),
        "later scores in the softmax": changed(
            PLACES,
            ("    scores = np.where(mask, scores, -np.inf)\n", ""),
            ("    weights = e / e", "    e = e * mask\n    weights = e / e"),
        ),
        "places that hold no item in the softmax": changed(
            PLACES,
            ("T, n = len(P_q), x.shape[1]", "n = T = len(P_q)"),
            ("return weights @ x", "n = x.shape[1]\n    return weights[-n:, -n:] @ x"),
        ),
        "sums of the rows beside the columns": changed(
            PLACES,
            ("np.exp(scores - scores.max(axis=1, keepdims=True))", "np.exp(scores)"),
            ("e.sum(axis=1, keepdims=True)", "e.sum(axis=1)"),
        ),
        "weights that add up to 1 over the queries": changed(PLACES, ("axis=1", "axis=0")),
        "scores in place of weights": changed(
            PLACES, ("return weights @ x", "return (P_q[T - n:] @ P_k[T - n:].T * mask) @ x")
        ),
        "even weights": written("""
def positional_read(x, P_q, P_k):
    return np.cumsum(x, axis=1) / np.arange(1, x.shape[1] + 1)[:, None]
"""),
        "the two tables exchanged": changed(LOOPED_PLACES, ("P_q[i] @ P_k[j]", "P_k[i] @ P_q[j]")),
        "what stands there joins in": changed(
            WHOLE_TABLE,
            ("table[-n:, -n:] +", "table[-n:, -n:] + x @ x.swapaxes(1, 2) +"),
            ("axis=1)[:, None]", "axis=2)[:, :, None]"),
            ("ij,bjd", "bij,bjd"),
        ),
        "what stands there alone": written("""
def positional_read(x, P_q, P_k):
    scores = x @ x.transpose(0, 2, 1)
    n = x.shape[1]
    scores = np.where(np.tri(n) > 0, scores, -1e30)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True) @ x
"""),
        "divided by the root of the rank": changed(PLACES, ("P_k[T - n:].T", "P_k[T - n:].T / np.sqrt(P_q.shape[1])")),
        "places counted from the beginning": changed(PLACES, ("P_q[T - n:] @ P_k[T - n:]", "P_q[:n] @ P_k[:n]")),
        "the newest place first": changed(
            LOOPED_PLACES, ("P_q, P_k = P_q[-n:], P_k[-n:]", "P_q, P_k = np.flip(P_q, 0)[:n], np.flip(P_k, 0)[:n]")
        ),
        "a row that sees nothing": changed(PLACES, ("dtype=bool))", "dtype=bool), -1)")),
        "overflow": changed(PLACES, ("np.exp(scores - scores.max(axis=1, keepdims=True))", "np.exp(scores)")),
    },
    "09.5": {
        "the old state asks": changed(
            LUONG, ("        s = gru(x, s)\n        c, alpha = look(s)", "        c, alpha = look(s)\n        s = gru(x, s)")
        ),
        "the attentional state asks": changed(LUONG, ("look(s)", "look(h)")),
        "the old state in the sum": changed(
            LUONG, ("        s = gru(x, s)", "        old = s\n        s = gru(x, s)"), ("[c, s]", "[c, old]")
        ),
        "the context of the step before": written("""
def luong_decode(words, s0, gru, look, W_c):
    h = np.zeros((len(words), W_c.shape[1]))
    c = np.zeros_like(look(s0)[0])
    outs, weights = [], []
    for t in range(words.shape[1]):
        s0 = gru(np.hstack([words[:, t], h]), s0)
        h = np.tanh(np.hstack([c, s0]) @ W_c)
        c, alpha = look(s0)
        outs.append(h)
        weights.append(alpha)
    return np.stack(outs, 1), np.stack(weights, 1)
"""),
        "the state before the context": changed(LUONG, ("[c, s]", "[s, c]")),
        "no tanh": changed(LUONG, ("np.tanh(np.concatenate([c, s], axis=1) @ W_c)", "np.concatenate([c, s], axis=1) @ W_c")),
        "tanh before W_c": changed(
            LUONG, ("np.tanh(np.concatenate([c, s], axis=1) @ W_c)", "np.tanh(np.concatenate([c, s], axis=1)) @ W_c")
        ),
        "nothing fed on": changed(LUONG, ("words[:, t], h]", "words[:, t], np.zeros((B, W_c.shape[1]))]")),
        "the context fed on": changed(LUONG, ("words[:, t], h]", "words[:, t], c]"), ("    h = np.zeros", "    c = np.zeros")),
        "the state fed on": changed(LUONG, ("words[:, t], h]", "words[:, t], s if t else h]")),
        "the start state fed at first": changed(LUONG, ("h = np.zeros((B, W_c.shape[1]))", "h = s0")),
        "fed before the word": changed(LUONG, ("[words[:, t], h]", "[h, words[:, t]]")),
        "the attentional state carried on": changed(LUONG, ("        outs", "        s = h\n        outs")),
        "the states returned": changed(LUONG, ("outs.append(h)", "outs.append(s)")),
        "the contexts returned": changed(LUONG, ("outs.append(h)", "outs.append(c)")),
        "time before batch": changed(
            LUONG, ("np.stack(outs, axis=1), np.stack(weights, axis=1)", "np.array(outs), np.array(weights)")
        ),
        "steps side by side": changed(
            LUONG,
            (
                "np.stack(outs, axis=1), np.stack(weights, axis=1)",
                "np.concatenate(outs, axis=1), np.concatenate(weights, axis=1)",
            ),
        ),
        "the last step only": changed(LUONG, ("np.stack(outs, axis=1), np.stack(weights, axis=1)", "h, alpha")),
    },
    "09.6": {
        "tau is r": changed(LOCAL, ("sigma = D / 2", "sigma = D")),
        "the 2 below the line forgotten": changed(LOCAL, ("(2 * sigma ** 2)", "sigma ** 2")),
        "tau not squared": changed(LOCAL, ("(2 * sigma ** 2)", "(2 * sigma)")),
        "multiplied by tau squared": changed(LOCAL, ("/ (2 * sigma ** 2)", "/ 2 * sigma ** 2")),
        "a density": changed(LOCAL, ("weights * curve", "weights * curve / (sigma * np.sqrt(2 * np.pi))")),
        "no curve": changed(LOCAL, ("weights * curve", "weights")),
        "the place in the padded row": changed(LOCAL, ("p = lengths[:, None]", "p = S")),
        "z for the place": changed(LOCAL, ("lengths[:, None] / (1 + np.exp(-z))", "z")),
        "the place rounded": changed(
            LOOPED_LOCAL, ("p = n * (1 / (1 + np.exp(-z[b, q])))", "p = round(n / (1 + np.exp(-z[b, q])))")
        ),
        "the place rounded down": changed(
            LOCAL, ("lengths[:, None] / (1 + np.exp(-z))", "(lengths[:, None] / (1 + np.exp(-z))).astype(int)")
        ),
        "places counted from 1": changed(LOCAL, ("np.arange(S)", "np.arange(1, S + 1)"), ("s < lengths", "s <= lengths")),
        "no cut": changed(
            LOCAL, ("(np.abs(s - p[:, :, None]) <= D) & (s < lengths[:, None, None])", "(s < lengths[:, None, None])")
        ),
        "half the window": changed(LOCAL, ("<= D)", "<= sigma)")),
        "no window at all": changed(LOCAL, ("np.where(seen, scores, -np.inf)", "scores")),
        "one place too many in front": changed(LOOPED_LOCAL, ("int(np.ceil(p - D))", "int(p - D)")),
        "one place too early": changed(
            LOOPED_LOCAL, ("int(np.ceil(p - D))", "int(p - D)"), ("min(n - 1, int(np.floor(p + D)))", "min(n, int(p + D)) - 1")
        ),
        "a softmax over the padded row": changed(
            LOCAL, ("np.where(seen, scores, -np.inf)", "scores"), ("weights * curve", "weights * seen * curve")
        ),
        "a softmax over the whole sentence": changed(
            LOCAL,
            ("np.where(seen,", "np.where(s < lengths[:, None, None],"),
            ("weights * curve", "weights * curve * seen"),
        ),
        "padding in the window": changed(LOOPED_LOCAL, ("min(n - 1, ", "min(scores.shape[2] - 1, ")),
        "padding cut off too late": changed(
            LOCAL,
            (" & (s < lengths[:, None, None])", ""),
            ("weights * curve", "weights * curve * (s < lengths[:, None, None])"),
        ),
        "padding in the softmax": changed(
            LOCAL,
            ("np.where(seen, scores, -np.inf)", "scores"),
            ("    weights = e / e", "    e = e * seen\n    weights = e / e"),
        ),
        "weights that add up to 1 again": changed(
            LOCAL, ("return weights * curve", "a = weights * curve\n    return a / a.sum(axis=-1, keepdims=True)")
        ),
        "multiplied into the scores": changed(
            LOCAL, ("np.where(seen, scores,", "np.where(seen, scores * curve,"), ("weights * curve", "weights")
        ),
        "softmax over the queries": changed(LOCAL, ("e.max(axis=-1", "e.max(axis=1"), ("e.sum(axis=-1", "e.sum(axis=1")),
        "no logistic function": changed(LOCAL, ("lengths[:, None] / (1 + np.exp(-z))", "lengths[:, None] * z")),
        "overflow": changed(LOCAL, ("np.exp(e - e.max(axis=-1, keepdims=True))", "np.exp(e)")),
    },
    "09.7": {
        "downhill": changed(HARD, ("(onehot - p)", "(p - onehot)")),
        "no baseline": changed(HARD, ("(reward - baseline)", "reward")),
        "the baseline added": changed(HARD, ("reward - baseline", "reward + baseline")),
        "the baseline subtracted last": changed(
            HARD, ("(reward - baseline)[:, None] * (onehot - p)", "reward[:, None] * (onehot - p) - baseline[:, None]")
        ),
        "the gradient of p": changed(JACOBIAN_HARD, ("gain / row[a]", "gain")),
        "the softmax left out": changed(HARD, ("(onehot - p)", "onehot")),
        "the gradient for the weights": changed(JACOBIAN_HARD, ("(np.diag(row) - np.outer(row, row)) @ of_p", "of_p")),
        "the chosen key alone": changed(
            LOOPED_HARD, ("            else:\n                out[b, k] = -(reward[b] - baseline[b]) * p[k]\n", "")
        ),
        "the choice left out": changed(HARD, ("(onehot - p)", "(0 - p)")),
        "the likeliest for the chosen": changed(HARD, ("choice] = 1", "logits.argmax(axis=1)] = 1")),
        "every row's choice in every row": changed(HARD, ("onehot[np.arange(B), choice]", "onehot[:, choice]")),
        "weights down the batch": changed(HARD, ("logits.max(axis=1", "logits.max(axis=0"), ("e.sum(axis=1", "e.sum(axis=0")),
        "divided by the batch": changed(HARD, ("(onehot - p)", "(onehot - p) / B")),
        "one reward for all": changed(HARD, ("(reward - baseline)", "(np.mean(reward) - baseline)")),
        "one baseline for all": changed(HARD, ("(reward - baseline)", "(reward - baseline.mean())")),
        "summed over the batch": changed(HARD, ("return (", "return (("), ("(onehot - p)", "(onehot - p)).sum(axis=0)")),
        "overflow": changed(HARD, ("logits - logits.max(axis=1, keepdims=True)", "logits")),
    },
}
SLOPPY = {  # no misconception of the list, but wrong
    "09.1": {
        "zeros": written(
            "def product_scores(query, key, kind, W=None): return np.zeros((len(query), query.shape[1], key.shape[1]))"
        ),
        "the sign": changed(PRODUCTS, ("query @ keys / ", "-query @ keys / ")),
        "half": changed(PRODUCTS, ("return query @ keys\n    if", "return query @ keys / 2\n    if")),
        "distances": changed(
            SPREAD_PRODUCTS, ("query[:, :, None, :] * key[:, None, :, :]", "query[:, :, None, :] - key[:, None, :, :]")
        ),
        "the last key at 0": changed(LOOPED_PRODUCTS, ("range(K)", "range(K - 1)")),
        "the last entry left out": changed(PRODUCTS, ("    keys", "    query, key = query[..., :-1], key[..., :-1]\n    keys")),
        "the first query for all": changed(LOOPED_PRODUCTS, ("query[b, i]", "query[b, 0]")),
        "general for every kind": changed(PRODUCTS, ('if kind == "general":', 'if kind != "dot":')),
        "a list": changed(LOOPED_PRODUCTS, ("return scores", "return scores.tolist()")),
        "wrong for one query": changed(
            PRODUCTS, ("np.sqrt(query.shape[-1])", "np.sqrt(query.shape[-1]) * (query.shape[1] > 1)")
        ),
        "wrong for a batch of one": changed(SPREAD_PRODUCTS, ("return scores", "return scores.squeeze()")),
        "the root of 2 D": changed(PRODUCTS, ("np.sqrt(query", "np.sqrt(2 * query")),
        "rounded": changed(SPREAD_PRODUCTS, ("return scores", "return scores.round(2)")),
        "whole numbers": changed(SPREAD_PRODUCTS, ("return scores", "return scores.astype(int)")),
    },
    "09.2": {
        "even": written("def cosine_weights(query, key, beta): return np.full((*beta.shape, key.shape[1]), 1 / key.shape[1])"),
        "the best alone": changed(
            COSINES, ("return e / e.sum(axis=-1, keepdims=True)", "return 1.0 * (e == e.max(axis=-1, keepdims=True))")
        ),
        "exp without a sum": changed(COSINES, ("return e / e.sum(axis=-1, keepdims=True)", "return e")),
        "the sign": changed(COSINES, ("scores = beta", "scores = -beta")),
        "beta squared": changed(COSINES, ("beta[..., None]", "beta[..., None] ** 2")),
        "beta added": changed(COSINES, ("beta[..., None] * ", "beta[..., None] + ")),
        "absolute cosines": changed(COSINES, ("scores = beta[..., None] * (", "scores = beta[..., None] * abs(")),
        "the angle": changed(LOOPED_COSINES, ("q @ k / below", "np.arccos(q @ k / below)")),
        "the root once": changed(LOOPED_COSINES, ("np.sqrt(q @ q) * np.sqrt(k @ k)", "np.sqrt(q @ q * (k @ k)) ** 0.5")),
        "softmax twice": changed(COSINES, ("    return e", "    e = np.exp(e / e.sum(axis=-1, keepdims=True))\n    return e")),
        "down the batch": changed(COSINES, ("e.sum(axis=-1", "e.sum(axis=0")),
        "the largest entry for a length": changed(
            LOOPED_COSINES, ("np.sqrt(q @ q) * np.sqrt(k @ k)", "max(abs(q)) * max(abs(k))")
        ),
        "a small number below": changed(POWERS, ("(q * k)", "(q * k + 1e-3)")),
        "zero vectors get nothing": changed(COSINES, ("return e /", "return (np.abs(key).sum(-1) > 0)[:, None] * e /")),
        "beta limited": changed(COSINES, ("beta[..., None]", "np.minimum(beta, 100)[..., None]")),
        "wrong for one query": changed(
            COSINES, ("return e / e.sum(axis=-1, keepdims=True)", "return (e / e.sum(axis=-1, keepdims=True)).squeeze()")
        ),
        "a list": changed(
            COSINES, ("return e / e.sum(axis=-1, keepdims=True)", "return list(e / e.sum(axis=-1, keepdims=True))")
        ),
    },
    "09.3": {
        "one": written("def logit_scale(mean_q, var_q, mean_k, var_k): return 1.0"),
        "a width of 64": written("def logit_scale(mean_q, var_q, mean_k, var_k): return 0.125"),
        "one over the width": written("def logit_scale(mean_q, var_q, mean_k, var_k): return 1 / len(mean_q)"),
        "the first coordinate": changed(SQUARES_SCALE, ("np.sum(variances)", "variances[0] * len(variances)")),
        "the last coordinate left out": changed(SQUARES_SCALE, ("np.sum(variances)", "np.sum(variances[:-1])")),
        "a scale for each": changed(SQUARES_SCALE, ("float(np.sum(variances)) ** -0.5", "variances ** -0.5")),
        "means added": changed(SQUARES_SCALE, ("- (mean_q * mean_k) ** 2", "+ (mean_q * mean_k) ** 2")),
        "the cube root": changed(SCALE, ("np.sqrt(variance)", "np.cbrt(variance)")),
        "the sign": changed(SCALE, ("return 1 /", "return -1 /")),
        "an array": changed(SQUARES_SCALE, ("float(np.sum(variances)) ** -0.5", "np.array([np.sum(variances) ** -0.5])")),
        "rounded": changed(SQUARES_SCALE, ("float(np.sum(variances)) ** -0.5", "round(float(np.sum(variances)) ** -0.5, 1)")),
        "the queries alone": changed(SCALE, ("vq * vk + mq ** 2 * vk + mk ** 2 * vq", "vq")),
        "twice the cross terms": changed(SCALE, ("vq * vk + mq", "vq * vk + 2 * mq")),
        "one below": changed(SCALE, ("variance = 0", "variance = 1")),
        "whole": changed(SCALE, ("1 / np.sqrt(variance)", "int(np.sqrt(variance))")),
    },
    "09.4": {
        "the items": written("def positional_read(x, P_q, P_k): return x"),
        "the mean of all": changed(PLACES, ("return weights @ x", "return x.mean(axis=1, keepdims=True) + 0 * x")),
        "the weights": changed(PLACES, ("return weights @ x", "return weights")),
        "both": changed(PLACES, ("return weights @ x", "return weights @ x, weights")),
        "the best place alone": changed(
            PLACES, ("weights = e /", "weights = (e == e.max(axis=1, keepdims=True)) * 1.0 + 0 * e /")
        ),
        "one table": changed(LOOPED_PLACES, ("P_q[i] @ P_k[j]", "P_q[i] @ P_q[j]")),
        "the sign": changed(LOOPED_PLACES, ("P_q[i] @ P_k[j]", "-P_q[i] @ P_k[j]")),
        "the last place for all": changed(LOOPED_PLACES, ("P_q[i] @ P_k[j]", "P_q[-1] @ P_k[j]")),
        "one place too few": changed(
            LOOPED_PLACES, ("for j in range(i + 1):\n            out", "for j in range(i):\n            out")
        ),
        "the first sequence for all": changed(LOOPED_PLACES, ("* x[:, j]", "* x[0, j]")),
        "weights read downwards": changed(PLACES, ("weights @ x", "weights.T @ x")),
        "summed over the places": changed(PLACES, ("weights @ x", "(weights @ x).sum(1)")),
        "tables from two ends": changed(PLACES, ("P_k[T - n:]", "P_k[:n]")),
        "not low enough": changed(PLACES, ("-np.inf", "-20.0")),
        "sigmoids": changed(LOOPED_PLACES, ("e[j] / sum(e)", "1 / (1 + np.exp(-P_q[i] @ P_k[j]))")),
        "wrong for one item": changed(PLACES, ("return weights @ x", "return (weights @ x).squeeze()")),
        "scores limited": changed(
            PLACES, ("np.exp(scores - scores.max(axis=1, keepdims=True))", "np.exp(np.minimum(scores, 50))")
        ),
        "a list": changed(PLACES, ("weights @ x", "list(weights @ x)")),
    },
    "09.5": {
        "nothing": written("def luong_decode(words, s0, gru, look, W_c): return s0, words"),
        "answers only": changed(LUONG, (", np.stack(weights, axis=1)", "")),
        "weights first": changed(
            LUONG,
            ("np.stack(outs, axis=1), np.stack(weights, axis=1)", "np.stack(weights, axis=1), np.stack(outs, axis=1)"),
        ),
        "one step too few": changed(LUONG, ("range(T)", "range(T - 1)")),
        "zeros too": changed(LUONG, ("outs, weights = []", "outs, weights = [h]")),
        "the next word": changed(LUONG, ("words[:, t]", "words[:, (t + 1) % T]")),
        "the first word at every step": changed(LUONG, ("words[:, t]", "words[:, 0]")),
        "the state not carried on": changed(LUONG, ("gru(x, s)", "gru(x, s0)")),
        "two looks": changed(LUONG, ("look(s)", "look(look(s)[0])")),
        "two turns": changed(LUONG, ("gru(x, s)", "gru(x, gru(x, s))")),
        "added up": changed(LUONG, ("h = np.tanh(", "h = h + np.tanh(")),
        "sigmoid": changed(
            LUONG, ("np.tanh(np.concatenate([c, s], axis=1) @ W_c)", "1 / (1 + np.exp(-np.concatenate([c, s], axis=1) @ W_c))")
        ),
        "the context alone": changed(LUONG, ("np.concatenate([c, s], axis=1) @ W_c", "c @ W_c[: c.shape[1]]")),
        "the state alone": changed(LUONG, ("np.concatenate([c, s], axis=1) @ W_c", "s @ W_c[c.shape[1] :]")),
        "tanh twice": changed(LUONG, ("outs.append(h)", "outs.append(np.tanh(h))")),
        "lists": changed(LUONG, ("np.stack(outs, axis=1), np.stack(weights, axis=1)", "outs, weights")),
        "wrong for one word": changed(LUONG, ("np.stack(weights, axis=1)", "np.stack(weights, axis=1).squeeze()")),
        "the sum fed on": changed(LUONG, ("words[:, t], h]", "words[:, t], h + s]")),
    },
    "09.6": {
        "zeros": written("def local_weights(scores, z, lengths, D): return np.zeros_like(scores)"),
        "the curve": changed(LOCAL, ("weights * curve", "curve")),
        "the curve, cut": changed(LOCAL, ("weights * curve", "curve * seen")),
        "a softmax over everything": changed(
            LOCAL, ("weights * curve", "np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)")
        ),
        "added to the scores": changed(
            LOCAL, ("np.where(seen, scores,", "np.where(seen, scores + curve,"), ("weights * curve", "weights")
        ),
        "the curve turned round": changed(LOCAL, ("weights * curve", "weights * (1 - curve)")),
        "a triangle": changed(LOCAL, ("weights * curve", "weights * (1 - np.abs(s - p[:, :, None]) / (D + 1))")),
        "distance not squared": changed(LOCAL, ("-(s - p[:, :, None]) ** 2", "-abs(s - p[:, :, None])")),
        "tanh for the sigmoid": changed(LOCAL, ("lengths[:, None] / (1 + np.exp(-z))", "lengths[:, None] * abs(np.tanh(z))")),
        "the last place": changed(LOCAL, ("p = lengths[:, None]", "p = (lengths[:, None] - 1)")),
        "the sign of z": changed(LOCAL, ("np.exp(-z)", "np.exp(z)")),
        "half the sentence": changed(LOCAL, ("lengths[:, None] / (1 + np.exp(-z))", "lengths[:, None] / 2 + 0 * z")),
        "the first query's place": changed(LOCAL, ("    s = np", "    p = p[:, :1] + 0 * p\n    s = np")),
        "the first length": changed(LOCAL, ("p = lengths[:, None]", "p = lengths[0]")),
        "D more": changed(LOCAL, ("<= D)", "<= D + 1)")),
        "one side": changed(LOCAL, ("np.abs(s - p[:, :, None]) <= D", "np.abs(s - p[:, :, None]) <= D) & (s <= p[:, :, None]")),
        "the window alone": changed(LOOPED_LOCAL, ("return weights", "return weights[:, :, : 2 * D + 1]")),
        "wrong for one query": changed(LOCAL, ("return weights * curve", "return (weights * curve).squeeze()")),
    },
    "09.7": {
        "zeros": written("def reinforce(logits, choice, reward, baseline): return np.zeros(logits.shape)"),
        "the weights": changed(HARD, ("(reward - baseline)[:, None] * (onehot - p)", "p")),
        "the log of the chosen weight": changed(HARD, ("(onehot - p)", "np.log(p + 1e-9)")),
        "the objective": changed(
            HARD, ("(reward - baseline)[:, None] * (onehot - p)", "(reward - baseline) * np.log(p[np.arange(B), choice])")
        ),
        "twice the weights": changed(HARD, ("(onehot - p)", "(onehot - 2 * p)")),
        "the gain squared": changed(HARD, ("(reward - baseline)[:, None]", "(reward - baseline)[:, None] ** 2")),
        "the gain's size": changed(HARD, ("(reward - baseline)[:, None]", "abs(reward - baseline)[:, None]")),
        "better ones only": changed(HARD, ("(reward - baseline)[:, None]", "np.maximum(reward - baseline, 0)[:, None]")),
        "the sign of the gain": changed(HARD, ("(reward - baseline)[:, None]", "np.sign(reward - baseline)[:, None]")),
        "no reward": changed(HARD, ("(reward - baseline)[:, None] * ", "")),
        "the first choice for all": changed(HARD, ("choice] = 1", "choice[0]] = 1")),
        "the next key": changed(HARD, ("choice] = 1", "(choice + 1) % p.shape[1]] = 1")),
        "divided by the keys": changed(HARD, ("(onehot - p)", "(onehot - p) / p.shape[1]")),
        "the ratio": changed(HARD, ("reward - baseline", "reward / baseline")),
        "a list": changed(
            HARD, ("(reward - baseline)[:, None] * (onehot - p)", "list((reward - baseline)[:, None] * (onehot - p))")
        ),
        "wrong for a batch of one": changed(HARD, ("(onehot - p)", "(onehot - p) * (B > 1)")),
        "logits limited": changed(HARD, ("logits - logits.max(axis=1, keepdims=True)", "np.minimum(logits, 50)")),
        "the choice's own weight twice": changed(LOOPED_HARD, ("(1 - p[k])", "(1 - 2 * p[k])")),
        "rounded": changed(HARD, ("(onehot - p)", "(onehot - p.round(2))")),
    },
}
