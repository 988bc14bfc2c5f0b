"""Answers to the tasks of chapter 13."""

from answers import changed, written

SOFTMAX = """
def softmax_along(scores, axis):
    weights = np.exp(scores - scores.max(axis, keepdims=True))
    return weights / weights.sum(axis, keepdims=True)
"""
NORM = """
def layer_norm(x, gain, bias, epsilon):
    mean = x.mean(axis=-1, keepdims=True)
    variance = x.var(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon) * gain + bias
"""
LOOPED_NORM = """
def layer_norm(x, gain, bias, epsilon):
    B, T, D = x.shape
    y = np.zeros((B, T, D))
    for b in range(B):
        for t in range(T):
            mean = sum(x[b, t]) / D
            variance = sum((x[b, t] - mean) ** 2) / D
            y[b, t] = gain * (x[b, t] - mean) / (variance + epsilon) ** 0.5 + bias
    return y
"""
SQUARES_NORM = """
def layer_norm(x, gain, bias, epsilon):
    D = x.shape[2]
    centring = np.eye(D) - np.ones((D, D)) / D
    z = np.einsum("btd,de->bte", x, centring)
    return gain * z * (np.sum(z * z, axis=2) / D + epsilon)[:, :, None] ** -0.5 + bias
"""
ORDERS = """
def two_orders(x, attention, feed_forward, norm_1, norm_2):
    a = norm_1(x + attention(x))
    post = norm_2(a + feed_forward(a))
    b = x + attention(norm_1(x))
    pre = b + feed_forward(norm_2(b))
    return post, pre
"""
LAYERED_ORDERS = """
def two_orders(x, attention, feed_forward, norm_1, norm_2):
    def layer(x, before):
        for sublayer, norm in [(attention, norm_1), (feed_forward, norm_2)]:
            found = sublayer(norm(x)) if before else sublayer(x)
            x = x + found if before else norm(x + found)
        return x
    return layer(x, False), layer(x, True)
"""
SUMMED_ORDERS = """
def two_orders(x, attention, feed_forward, norm_1, norm_2):
    first = attention(norm_1(x))
    second = feed_forward(norm_2(x + first))
    y = norm_1(np.add(attention(x), x))
    return norm_2(np.add(feed_forward(y), y)), np.sum([x, first, second], axis=0)
"""
WARMUPS = """
def warmups(peaks, D):
    steps = 1 / (D * peaks**2)
    return np.ceil(steps).astype(int)
"""
LOOPED_WARMUPS = """
def warmups(peaks, D):
    found = []
    for peak in peaks:
        w = 1
        while (D * w) ** -0.5 > peak:
            w += 1
        found.append(w)
    return np.array(found)
"""
LISTED_WARMUPS = """
def warmups(peaks, D):
    w = np.arange(1, 1000)
    highest = D ** -0.5 * np.minimum(w ** -0.5, w * w ** -1.5)
    return 1 + (highest > peaks[:, None]).sum(axis=1)
"""
SMOOTHED = """
def smoothed_loss(logits, targets, real, epsilon):
    B, T, V = logits.shape
    x = logits - logits.max(axis=-1, keepdims=True)
    log_p = x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
    q = np.full((B, T, V), epsilon / V)
    q[np.arange(B)[:, None], np.arange(T), targets] += 1 - epsilon
    loss = -(q * log_p).sum(axis=-1)
    return loss[real].mean()
"""
LOOPED_SMOOTHED = """
def smoothed_loss(logits, targets, real, epsilon):
    total, count = 0.0, 0
    for row, words, seen in zip(logits, targets, real):
        for x, word, yes in zip(row, words, seen):
            if not yes:
                continue
            largest = x.max()
            log_z = largest + np.log(np.exp(x - largest).sum())
            total += (1 - epsilon) * (log_z - x[word])
            for other in x:
                total += epsilon / len(x) * (log_z - other)
            count += 1
    return total / count
"""
DIFFERENCE_SMOOTHED = """
def smoothed_loss(logits, targets, real, epsilon):
    at_target = np.take_along_axis(logits, targets[:, :, None], 2)[:, :, 0]
    log_z = np.logaddexp.reduce(logits, axis=2)
    due = (1 - epsilon) * at_target + epsilon * logits.mean(axis=2)
    return float(np.sum((log_z - due) * real) / real.sum())
"""
COUNT = """
def count_parameters(D, hidden, heads, layers, source_words, target_words, tied):
    attention = 4 * D**2 + 4 * D
    network = 2 * D * hidden + hidden + D
    norm = 2 * D
    embeddings = source_words * D + target_words * D
    encoder = layers * (attention + network + 2 * norm) + norm
    decoder = layers * (2 * attention + network + 3 * norm) + norm
    output = target_words * D + target_words
    if tied:
        output = output - target_words * D
    return np.stack([embeddings, encoder, decoder, output], axis=1)
"""
SHAPED_COUNT = """
def count_parameters(D, hidden, heads, layers, source_words, target_words, tied):
    rows = []
    for d, h in zip(D.tolist(), hidden.tolist()):
        attention = [(d, d), (d,)] * 4
        network = [(d, h), (h,), (h, d), (d,)]
        norm = [(d,), (d,)]
        encoder = (attention + norm + network + norm) * layers + norm
        decoder = (attention + norm + attention + norm + network + norm) * layers + norm
        tables = [(source_words, d), (target_words, d)]
        output = [(target_words,)] if tied else [(d, target_words), (target_words,)]
        rows.append([sum(int(np.prod(shape)) for shape in part) for part in (tables, encoder, decoder, output)])
    return np.array(rows)
"""
HEADED_COUNT = """
def count_parameters(D, hidden, heads, layers, source_words, target_words, tied):
    per_head = 3 * (D + 1) * (D // heads)
    attention = heads * per_head + (D + 1) * D
    rest = (D + 1) * hidden + (hidden + 1) * D + 4 * D
    encoder = layers * (attention + rest) + 2 * D
    decoder = encoder + layers * (attention + 2 * D)
    output = target_words * (D * (not tied) + 1)
    return np.array([(source_words + target_words) * D, encoder, decoder, output]).T
"""
STEP = f"""{SOFTMAX}
def attend_step(x, keys, values, W_q, W_k, W_v, W_o):
    H, t, d = keys.shape
    E = values.shape[2]
    q = (x @ W_q).reshape(H, d)
    k = (x @ W_k).reshape(H, d)
    v = (x @ W_v).reshape(H, E)
    keys = np.concatenate([keys, k[:, None, :]], axis=1)
    values = np.concatenate([values, v[:, None, :]], axis=1)
    scores = np.einsum("hd,htd->ht", q, keys) / np.sqrt(d)
    weights = softmax_along(scores, 1)
    read = np.einsum("ht,hte->he", weights, values)
    return read.reshape(-1) @ W_o, keys, values
"""
LOOPED_STEP = """
def attend_step(x, keys, values, W_q, W_k, W_v, W_o):
    H, t, d = keys.shape
    E = values.shape[-1]
    K, V = np.zeros((H, t + 1, d)), np.zeros((H, t + 1, E))
    K[:, :t], V[:, :t] = keys, values
    output = np.zeros(W_o.shape[1])
    for h in range(H):
        q = x @ W_q[:, h * d : (h + 1) * d]
        K[h, t] = x @ W_k[:, h * d : (h + 1) * d]
        V[h, t] = x @ W_v[:, h * E : (h + 1) * E]
        e = np.exp(K[h] @ q / d**0.5)
        output += (e / e.sum()) @ V[h] @ W_o[h * E : (h + 1) * E]
    return output, K, V
"""
SPLIT_STEP = f"""{SOFTMAX}
def attend_step(x, keys, values, W_q, W_k, W_v, W_o):
    H = len(keys)
    q, k, v = (np.stack(np.split(x @ W, H))[:, None] for W in (W_q, W_k, W_v))
    old, new = q @ keys.transpose(0, 2, 1), (q * k).sum(axis=2, keepdims=True)
    weights = softmax_along(np.concatenate([old, new], axis=2) / q.shape[2] ** 0.5, 2)
    read = weights[:, :, :-1] @ values + weights[:, :, -1:] * v
    return np.concatenate(list(read[:, 0])) @ W_o, np.append(keys, k, axis=1), np.append(values, v, axis=1)
"""
GIVEN = f"""{SOFTMAX}
def normalised(x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)

def attend(asks, told, maps, seen=True):
    W_q, W_k, W_v = maps
    scores = asks @ W_q @ (told @ W_k).swapaxes(1, 2) / np.sqrt(W_q.shape[1])
    hidden = np.finfo(scores.dtype).min
    return softmax_along(np.where(seen, scores, hidden), 2) @ (told @ W_v)
"""
FOUND = f"""{GIVEN}
def word_scores(target, memory, real, E, start, layers):
    begun = np.insert(target, 0, start, axis=1)
    x = E[begun[:, 1:]]
    past = np.tri(x.shape[1], dtype=bool)
    memory = memory * real[:, :, None]
    for self_maps, cross_maps, W_in, W_out in layers:
        x = normalised(x + attend(x, x, self_maps, past))
        x = normalised(x + attend(x, memory, cross_maps))
        x = normalised(x + np.maximum(x @ W_in, 0) @ W_out)
    return x @ E.T
"""
MASKED = FOUND.replace("attend(x, memory, cross_maps)", "attend(x, memory, cross_maps, real[:, None, :])")
REPAIRED = MASKED.replace("begun[:, 1:]", "begun[:, :-1]")
LONGER = f"""{GIVEN}
def word_scores(target, memory, real, E, start, layers):
    B, T = target.shape
    x = E[np.concatenate([np.full((B, 1), start), target], axis=1)]
    past = np.arange(T + 1)[:, None] >= np.arange(T + 1)
    seen = np.repeat(real[:, None], T + 1, axis=1)
    for self_maps, cross_maps, W_in, W_out in layers:
        x = normalised(x + attend(x, x, self_maps, past))
        x = normalised(x + attend(x, memory, cross_maps, seen))
        x = normalised(x + np.maximum(x @ W_in, 0) @ W_out)
    return x[:, :-1] @ E.T
"""
ALONE = f"""{GIVEN}
def word_scores(target, memory, real, E, start, layers):
    rows = []
    for words, source, seen in zip(target, memory, real):
        x = E[[start, *words[:-1]]][None]
        for self_maps, cross_maps, W_in, W_out in layers:
            x = normalised(x + attend(x, x, self_maps, np.tri(len(words)) > 0))
            x = normalised(x + attend(x, source[seen][None], cross_maps))
            x = normalised(x + np.maximum(x @ W_in, 0) @ W_out)
        rows.append(x[0] @ E.T)
    return np.array(rows)
"""
CACHED = f"""{GIVEN}
def word_scores(target, memory, real, E, start, layers):
    B, T = target.shape
    kept = [[] for _ in layers]
    scores = []
    for t in range(T):
        x = E[target[:, t - 1 : t] if t else np.full((B, 1), start)]
        for cache, (self_maps, cross_maps, W_in, W_out) in zip(kept, layers):
            cache.append(x)
            x = normalised(x + attend(x, np.concatenate(cache, axis=1), self_maps))
            x = normalised(x + attend(x, memory, cross_maps, real[:, None]))
            x = normalised(x + np.maximum(x @ W_in, 0) @ W_out)
        scores.append(x[:, 0] @ E.T)
    return np.stack(scores, axis=1)
"""
RIGHT = {
    "13.1": [written(NORM), written(LOOPED_NORM), written(SQUARES_NORM)],
    "13.2": [written(ORDERS), written(LAYERED_ORDERS), written(SUMMED_ORDERS)],
    "13.3": [written(WARMUPS), written(LOOPED_WARMUPS), written(LISTED_WARMUPS)],
    "13.4": [written(SMOOTHED), written(LOOPED_SMOOTHED), written(DIFFERENCE_SMOOTHED)],
    "13.5": [written(COUNT), written(SHAPED_COUNT), written(HEADED_COUNT)],
    "13.6": [written(STEP), written(LOOPED_STEP), written(SPLIT_STEP)],
    "13.7": [written(REPAIRED), written(LONGER), written(ALONE), written(CACHED)],
}
WRONG = {
    "13.1": {
        "over the words of a sentence": changed(NORM, ("axis=-1", "axis=1")),
        "over a whole sentence": changed(NORM, ("axis=-1", "axis=(1, 2)")),
        "over all words of the batch": changed(NORM, ("axis=-1", "axis=(0, 1)")),
        "over everything": changed(NORM, ("x.mean(axis=-1, keepdims=True)", "x.mean()"), ("axis=-1, keepdims=True", "")),
        "divided by one less": changed(LOOPED_NORM, ("** 2) / D", "** 2) / (D - 1)")),
        "epsilon outside the root": changed(NORM, ("np.sqrt(variance + epsilon)", "(np.sqrt(variance) + epsilon)")),
        "no epsilon": changed(LOOPED_NORM, ("(variance + epsilon)", "variance")),
        "divided by the variance": changed(LOOPED_NORM, (" ** 0.5 + bias", " + bias")),
        "the mean left in": changed(NORM, ("(x - mean)", "x")),
        "the root mean square": changed(SQUARES_NORM, (" - np.ones((D, D)) / D", "")),
        "a spread around 0": changed(LOOPED_NORM, ("(x[b, t] - mean) ** 2", "x[b, t] ** 2")),
        "only the mean taken off": changed(NORM, (" / np.sqrt(variance + epsilon)", "")),
        "no gain": changed(SQUARES_NORM, ("gain * z *", "z *")),
        "no bias": changed(NORM, (" + bias", "")),
        "the bias multiplied too": changed(
            NORM,
            (
                "(x - mean) / np.sqrt(variance + epsilon) * gain + bias",
                "gain * ((x - mean) / np.sqrt(variance + epsilon) + bias)",
            ),
        ),
        "gain and bias exchanged": changed(LOOPED_NORM, ("gain * (", "bias * ("), ("0.5 + bias", "0.5 + gain")),
    },
    "13.2": {
        "the two exchanged": changed(ORDERS, ("return post, pre", "return pre, post")),
        "post-norm twice": changed(LAYERED_ORDERS, ("layer(x, True)", "layer(x, False)")),
        "pre-norm twice": changed(LAYERED_ORDERS, ("layer(x, False)", "layer(x, True)")),
        "nothing added": changed(
            LAYERED_ORDERS, ("x = x + found if before else norm(x + found)", "x = found if before else norm(found)")
        ),
        "added after the norm": changed(LAYERED_ORDERS, ("norm(x + found)", "x + norm(found)")),
        "the words added once more": changed(ORDERS, ("a + feed", "x + feed"), ("b + feed", "x + feed")),
        "the words added once more, in pre-norm": changed(ORDERS, ("b + feed", "x + feed")),
        "a norm on the way past": changed(
            LAYERED_ORDERS,
            ("            found =", "            x = norm(x) if before else x\n            found ="),
            ("sublayer(norm(x)) if before else sublayer(x)", "sublayer(x)"),
        ),
        "the norms exchanged": changed(
            LAYERED_ORDERS, ("(attention, norm_1), (feed_forward, norm_2)", "(attention, norm_2), (feed_forward, norm_1)")
        ),
        "the first norm twice": changed(ORDERS, ("= norm_2(", "= norm_1("), ("feed_forward(norm_2", "feed_forward(norm_1")),
        "one norm in post-norm": changed(ORDERS, ("a = norm_1(x + attention(x))", "a = x + attention(x)")),
        "one norm in pre-norm": changed(ORDERS, ("feed_forward(norm_2(b))", "feed_forward(b)")),
        "a norm at the end of pre-norm": changed(
            ORDERS, ("pre = b + feed_forward(norm_2(b))", "pre = norm_2(b + feed_forward(norm_2(b)))")
        ),
        "feed-forward first": changed(
            LAYERED_ORDERS, ("(attention, norm_1), (feed_forward, norm_2)", "(feed_forward, norm_1), (attention, norm_2)")
        ),
    },
    "13.3": {
        "rounded down": changed(WARMUPS, ("np.ceil(steps)", "np.maximum(1, np.floor(steps))")),
        "rounded to the nearest": changed(WARMUPS, ("np.ceil(steps)", "np.maximum(1, np.round(steps))")),
        "the first step at the peak": changed(LOOPED_WARMUPS, ("(D * w) ** -0.5", "D ** -0.5 * w ** -1.5")),
        "no width": changed(WARMUPS, ("D * ", "")),
        "the root of the width left": changed(WARMUPS, ("D * ", "D ** 0.5 * ")),
        "the width squared": changed(WARMUPS, ("(D * peaks**2)", "(D * peaks) ** 2")),
        "longer for a wider model": changed(WARMUPS, ("1 / (D * peaks**2)", "D / peaks**2")),
        "not squared": changed(WARMUPS, ("D * peaks**2", "np.sqrt(D) * peaks")),
        "longer for a higher peak": changed(WARMUPS, ("1 / (D * peaks**2)", "D * peaks**2")),
    },
    "13.4": {
        "no smoothing": changed(
            DIFFERENCE_SMOOTHED, ("(1 - epsilon) * at_target + epsilon * logits.mean(axis=2)", "at_target")
        ),
        "spread over the others alone": changed(
            SMOOTHED, ("epsilon / V", "epsilon / (V - 1)"), ("+= 1 - epsilon", "= 1 - epsilon")
        ),
        "the target without its share": changed(SMOOTHED, ("+= 1 - epsilon", "= 1 - epsilon")),
        "more than 1 in all": changed(SMOOTHED, ("+= 1 - epsilon", "+= 1")),
        "epsilon on the target": changed(SMOOTHED, ("epsilon / V", "(1 - epsilon) / V"), ("+= 1 - epsilon", "+= epsilon")),
        "a lowered target, and nothing for the rest": changed(
            LOOPED_SMOOTHED, ("            for other in x:\n                total += epsilon / len(x) * (log_z - other)\n", "")
        ),
        "probabilities smoothed": changed(
            SMOOTHED,
            (
                "    q = np.full((B, T, V), epsilon / V)",
                "    log_p = np.log((1 - epsilon) * np.exp(log_p) + epsilon / V)\n    q = 0 * log_p",
            ),
            ("+= 1 - epsilon", "+= 1"),
        ),
        "the divergence": changed(
            SMOOTHED, ("-(q * log_p).sum(axis=-1)", "(q * (np.log(np.maximum(q, 1e-300)) - log_p)).sum(axis=-1)")
        ),
        "in bits": changed(SMOOTHED, ("loss[real].mean()", "loss[real].mean() / np.log(2)")),
        "padding counted": changed(LOOPED_SMOOTHED, ("if not yes", "if False")),
        "divided by all places": changed(DIFFERENCE_SMOOTHED, ("real.sum()", "real.size")),
        "a mean of means": changed(SMOOTHED, ("loss[real].mean()", "((loss * real).sum(axis=1) / real.sum(axis=1)).mean()")),
        "a sum": changed(LOOPED_SMOOTHED, ("total / count", "total")),
        "the mask turned round": changed(SMOOTHED, ("loss[real]", "loss[~real]")),
        "overflow": changed(
            SMOOTHED,
            ("x - np.log(np.exp(x).sum(axis=-1, keepdims=True))", "np.log(np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True))"),
        ),
        "a ceiling": changed(
            SMOOTHED,
            (
                "x - np.log(np.exp(x).sum(axis=-1, keepdims=True))",
                "np.log(np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True) + 1e-12)",
            ),
        ),
    },
    "13.5": {
        "one table for two languages": changed(COUNT, ("source_words * D + target_words * D", "target_words * D")),
        "multiplied by the heads": changed(COUNT, ("4 * D**2 + 4 * D", "heads * (4 * D**2 + 4 * D)")),
        "the maps of one head": changed(HEADED_COUNT, ("heads * per_head", "per_head")),
        "no map of the output in attention": changed(SHAPED_COUNT, ("[(d, d), (d,)] * 4", "[(d, d), (d,)] * 3")),
        "no biases in attention": changed(COUNT, ("4 * D**2 + 4 * D", "4 * D**2")),
        "no biases in the network": changed(SHAPED_COUNT, ("[(d, h), (h,), (h, d), (d,)]", "[(d, h), (h, d)]")),
        "one map in the network": changed(SHAPED_COUNT, ("(h,), (h, d), (d,)", "(h,)")),
        "a hidden layer four times as wide": changed(COUNT, ("2 * D * hidden + hidden + D", "2 * D * 4 * D + 4 * D + D")),
        "norms without a bias": changed(SHAPED_COUNT, ("norm = [(d,), (d,)]", "norm = [(d,)]")),
        "no norms": changed(COUNT, ("norm = 2 * D", "norm = 0")),
        "no norm at the end": changed(SHAPED_COUNT, ("* layers + norm", "* layers")),
        "one layer": changed(COUNT, ("layers * (", "(")),
        "a decoder like the encoder": changed(HEADED_COUNT, ("encoder + layers * (attention + 2 * D)", "encoder")),
        "no look at the source": changed(COUNT, ("(2 * attention", "(attention")),
        "two norms in the decoder": changed(COUNT, ("3 * norm", "2 * norm")),
        "scores for the source's words": changed(
            HEADED_COUNT, ("target_words * (D * (not tied) + 1)", "source_words * (D * (not tied) + 1)")
        ),
        "no bias in the output": changed(COUNT, ("target_words * D + target_words\n", "target_words * D\n")),
        "a tied matrix counted twice": changed(COUNT, ("output = output - target_words * D", "pass")),
        "nothing left of a tied output": changed(COUNT, ("output - target_words * D", "0 * output")),
    },
    "13.6": {
        "the new word not seen": changed(
            LOOPED_STEP,
            ("output = np.zeros(W_o.shape[1])", "output = np.zeros(W_o.shape[1])\n    if t == 0:\n        H = 0"),
            ("for h in range(H)", "for h in range(len(keys))"),
            ("np.exp(K[h] @ q", "np.exp(K[h, :t] @ q"),
            ("(e / e.sum()) @ V[h] @", "(e / max(e.sum(), 1e-300)) @ V[h, :t] @"),
        ),
        "the past not seen": changed(LOOPED_STEP, ("(e / e.sum()) @ V[h]", "V[h, t]")),
        "caches that do not grow": changed(LOOPED_STEP, ("return output, K, V", "return output, keys, values")),
        "the new word put first": changed(
            STEP, ("[keys, k[:, None, :]]", "[k[:, None, :], keys]"), ("[values, v[:, None, :]]", "[v[:, None, :], values]")
        ),
        "the oldest forgotten": changed(STEP, ("    keys =", "    keys, values = keys[:, 1:], values[:, 1:]\n    keys =")),
        "the last word overwritten": changed(
            STEP, ("    keys =", "    keys, values = keys[:, :-1], values[:, :-1]\n    keys =")
        ),
        "values, then keys": changed(LOOPED_STEP, ("return output, K, V", "return output, V, K")),
        "the query kept": changed(STEP, ("x @ W_k", "x @ W_q")),
        "no division": changed(STEP, (" / np.sqrt(d)", "")),
        "the width of a word": changed(STEP, ("np.sqrt(d)", "np.sqrt(x.shape[0])")),
        "divided by the width itself": changed(LOOPED_STEP, ("d**0.5", "d")),
        "softmax over the heads": changed(STEP, ("softmax_along(scores, 1)", "softmax_along(scores, 0)")),
        "one softmax for all heads": changed(STEP, ("softmax_along(scores, 1)", "softmax_along(scores, (0, 1))")),
        "every H-th number": changed(
            LOOPED_STEP,
            ("h * d : (h + 1) * d", "h::H"),
            ("W_v[:, h * E : (h + 1) * E]", "W_v[:, h::H]"),
            ("W_o[h * E : (h + 1) * E]", "W_o[h::H]"),
        ),
        "heads joined like a zip": changed(STEP, ("read.reshape(-1)", "read.T.reshape(-1)")),
        "the output map left out": changed(STEP, ("read.reshape(-1) @ W_o", "read.reshape(-1)")),
    },
    "13.7": {
        "as it was found": written(FOUND),
        "a word that reads itself": written(MASKED),
        "a stricter mask": changed(MASKED, ("np.tri(x.shape[1], dtype=bool)", "np.tri(x.shape[1], k=-1, dtype=bool)")),
        "shifted, and a stricter mask": changed(
            REPAIRED, ("np.tri(x.shape[1], dtype=bool)", "np.tri(x.shape[1], k=-1, dtype=bool)")
        ),
        "start in place of the first word": changed(
            MASKED,
            ("begun = np.insert(target, 0, start, axis=1)", "begun = target.copy()\n    begun[:, 0] = start"),
            ("begun[:, 1:]", "begun"),
        ),
        "the last word read first": changed(MASKED, ("begun[:, 1:]", "np.roll(target, 1, axis=1)")),
        "shifted the other way": changed(MASKED, ("np.insert(target, 0, start", "np.insert(target, target.shape[1], start")),
        "one place too many": changed(MASKED, ("begun[:, 1:]", "begun")),
        "the first place dropped": changed(LONGER, ("x[:, :-1] @", "x[:, 1:] @")),
        "the future seen": changed(REPAIRED, ("attend(x, x, self_maps, past)", "attend(x, x, self_maps)")),
        "the mask in the first layer alone": changed(
            REPAIRED,
            ("attend(x, x, self_maps, past))", "attend(x, x, self_maps, past))\n        past = True"),
        ),
        "padding set to 0": changed(FOUND, ("begun[:, 1:]", "begun[:, :-1]")),
        "padding seen": changed(FOUND, ("begun[:, 1:]", "begun[:, :-1]"), ("    memory = memory * real[:, :, None]\n", "")),
        "the mask turned round": changed(
            REPAIRED, ("real[:, None, :])", "~real[:, None, :])"), ("    memory = memory * real[:, :, None]\n", "")
        ),
        "the decoder asks itself twice": changed(
            REPAIRED, ("attend(x, memory, cross_maps, real[:, None, :])", "attend(x, x, cross_maps, past)")
        ),
        "no look at the source": changed(
            REPAIRED,
            ("        x = normalised(x + attend(x, memory, cross_maps, real[:, None, :]))\n", "        x = normalised(x)\n"),
        ),
    },
}
SLOPPY = {  # no misconception of the list, but wrong
    "13.1": {
        "nothing done": written("def layer_norm(x, gain, bias, epsilon): return x"),
        "neither gain nor bias": changed(NORM, (" * gain + bias", "")),
        "over the batch": changed(NORM, ("axis=-1", "axis=0")),
        "the first sentence's": changed(NORM, ("x.var(axis=-1, keepdims=True)", "x[:1].var(axis=-1, keepdims=True)")),
        "the spread of all, the mean of each": changed(NORM, ("x.var(axis=-1, keepdims=True)", "x.var()")),
        "the mean of all, the spread of each": changed(NORM, ("x.mean(axis=-1, keepdims=True)", "x.mean()")),
        "mean distances": changed(
            NORM, ("np.sqrt(variance + epsilon)", "(np.abs(x - mean).mean(-1, keepdims=True) + epsilon)")
        ),
        "one more than the gain": changed(NORM, ("* gain", "* (1 + gain)")),
        "times the root": changed(NORM, ("/ np.sqrt", "* np.sqrt")),
        "epsilon twice": changed(NORM, ("variance + epsilon", "variance + 2 * epsilon")),
        "epsilon squared": changed(NORM, ("variance + epsilon", "variance + epsilon**2")),
        "epsilon as a floor": changed(NORM, ("variance + epsilon", "np.maximum(variance, epsilon)")),
        "its own epsilon": changed(NORM, ("variance + epsilon", "variance + 1e-6")),
        "to the length 1": changed(NORM, ("np.sqrt(variance + epsilon)", "np.sqrt(x.shape[-1] * (variance + epsilon))")),
        "wrong for one word": changed(NORM, ("+ bias", "+ bias * (len(x) > 1)")),
    },
    "13.2": {
        "nothing done": written("def two_orders(x, attention, feed_forward, norm_1, norm_2): return x, x"),
        "attention alone": changed(ORDERS, ("norm_2(a + feed_forward(a))", "a"), ("b + feed_forward(norm_2(b))", "b")),
        "pre-norm bare": changed(ORDERS, ("pre = b + feed", "pre = feed")),
        "side by side": changed(SUMMED_ORDERS, ("norm_2(x + first)", "norm_2(x)")),
        "post-norm bare": changed(ORDERS, ("norm_2(a + feed_forward(a))", "norm_2(feed_forward(a))")),
        "the network reads x": changed(ORDERS, ("feed_forward(a)", "feed_forward(x)")),
        "pre-norm's norms exchanged": changed(
            ORDERS, ("attention(norm_1(x))", "attention(norm_2(x))"), ("feed_forward(norm_2(b))", "feed_forward(norm_1(b))")
        ),
        "the attention twice": changed(LAYERED_ORDERS, ("(feed_forward, norm_2)", "(attention, norm_2)")),
        "added twice": changed(ORDERS, ("pre = b +", "pre = b + x +")),
        "halved": changed(ORDERS, ("b = x + attention(norm_1(x))", "b = (x + attention(norm_1(x))) / 2")),
        "norms of what was found": changed(ORDERS, ("attention(norm_1(x))", "norm_1(attention(x))")),
        "one array": changed(ORDERS, ("return post, pre", "return np.stack([post, pre])")),
        "one sentence": changed(ORDERS, ("return post, pre", "return post[:1], pre[:1]")),
        "no batch of one": changed(ORDERS, ("return post, pre", "return post.squeeze(), pre.squeeze()")),
        "one answer": changed(ORDERS, ("return post, pre", "return post")),
    },
    "13.3": {
        "one step": written("def warmups(peaks, D): return np.ones(len(peaks), dtype=int)"),
        "the paper's": written("def warmups(peaks, D): return np.full(len(peaks), 4000)"),
        "not whole": changed(WARMUPS, ("np.ceil(steps).astype(int)", "steps")),
        "whole, but floating": changed(WARMUPS, (".astype(int)", "")),
        "one too many": changed(WARMUPS, ("np.ceil(steps)", "(1 + np.ceil(steps))")),
        "none at all": changed(WARMUPS, ("np.ceil(steps)", "(np.ceil(steps) - 1)")),
        "sorted": changed(WARMUPS, ("peaks**2", "np.sort(peaks)**2")),
        "the shortest for all": changed(WARMUPS, ("steps).astype", "steps.min() + 0 * steps).astype")),
        "a list": changed(LOOPED_WARMUPS, ("np.array(found)", "found")),
        "a peak forgotten": changed(LOOPED_WARMUPS, ("in peaks:", "in peaks[1:]:")),
        "the next one goes on": changed(
            LOOPED_WARMUPS, ("    found = []\n", "    found, w = [], 1\n"), ("        w = 1\n", "")
        ),
        "two steps at a time": changed(LOOPED_WARMUPS, ("w += 1", "w += 2")),
        "at least two": changed(LOOPED_WARMUPS, ("w = 1\n", "w = 2\n")),
        "the larger of the two": changed(LISTED_WARMUPS, ("np.minimum(w ** -0.5, w", "np.maximum(w ** -0.5, 2 * w")),
        "the highest rates": changed(WARMUPS, ("np.ceil(steps).astype(int)", "(D * np.ceil(steps)) ** -0.5")),
        "up to 60": changed(LISTED_WARMUPS, ("1000", "60")),
    },
    "13.4": {
        "nothing": written("def smoothed_loss(logits, targets, real, epsilon): return 0.0"),
        "the uniform loss": written("def smoothed_loss(logits, targets, real, epsilon): return np.log(logits.shape[-1])"),
        "the sign": changed(SMOOTHED, ("-(q", "(q")),
        "divided by the sentences": changed(SMOOTHED, ("loss[real].mean()", "loss[real].sum() / len(real)")),
        "a whole epsilon for each word": changed(SMOOTHED, ("epsilon / V", "epsilon")),
        "the mean over the words known": changed(SMOOTHED, ("-(q * log_p).sum(axis=-1)", "-(q * log_p).mean(axis=-1)")),
        "half of epsilon": changed(SMOOTHED, ("    q =", "    epsilon = epsilon / 2\n    q =")),
        "epsilon of 0.1": changed(SMOOTHED, ("    q =", "    epsilon = 0.1\n    q =")),
        "shared by the sentence's length": changed(SMOOTHED, ("epsilon / V", "epsilon / T")),
        "the first words alone": changed(SMOOTHED, ("loss[real]", "loss[:, 0]")),
        "each word": changed(SMOOTHED, ("loss[real].mean()", "loss[real]")),
        "each sentence": changed(SMOOTHED, ("loss[real].mean()", "loss.mean(axis=1)")),
        "logits for log p": changed(SMOOTHED, ("x - np.log(np.exp(x).sum(axis=-1, keepdims=True))", "logits")),
        "softmax over the words of a sentence": changed(SMOOTHED, ("axis=-1, keepdims", "axis=1, keepdims")),
        "probabilities for log p": changed(SMOOTHED, ("-(q * log_p)", "-(q * np.exp(log_p))")),
        "the perplexity": changed(SMOOTHED, ("loss[real].mean()", "np.exp(loss[real].mean())")),
        "padding first": changed(LOOPED_SMOOTHED, ("zip(row, words, seen)", "zip(row, words, np.sort(seen)[::-1])")),
        "the next word": changed(SMOOTHED, ("targets]", "np.roll(targets, 1, 1)]")),
    },
    "13.5": {
        "nothing": written("def count_parameters(D, hidden, *rest): return np.zeros((len(D), 4), dtype=int)"),
        "one number": changed(
            COUNT, ("np.stack([embeddings, encoder, decoder, output], axis=1)", "embeddings + encoder + decoder + output")
        ),
        "rows and columns": changed(COUNT, ("axis=1", "axis=0")),
        "floating": changed(COUNT, ("4 * D**2", "4.0 * D**2")),
        "the source's words alone": changed(COUNT, ("source_words * D + target_words * D", "source_words * D")),
        "no biases at all": changed(COUNT, ("4 * D**2 + 4 * D", "4 * D**2"), ("2 * D * hidden + hidden + D", "2 * D * hidden")),
        "two biases of one length": changed(COUNT, ("2 * D * hidden + hidden + D", "2 * D * hidden + 2 * D")),
        "embeddings with a bias": changed(COUNT, ("source_words * D", "(source_words + 1) * D")),
        "a norm for each word of the table": changed(COUNT, ("embeddings =", "embeddings = norm +")),
        "one norm a layer": changed(COUNT, ("2 * norm", "norm")),
        "four norms in the decoder": changed(COUNT, ("3 * norm", "4 * norm")),
        "decoder first": changed(COUNT, ("encoder, decoder, output]", "decoder, encoder, output]")),
        "one model for all": changed(COUNT, ("    attention =", "    hidden = hidden[:1] + 0 * D\n    attention =")),
        "no output": changed(COUNT, ("encoder, decoder, output]", "encoder, decoder, 0 * output]")),
        "tied to the source": changed(COUNT, ("output - target_words * D", "output - source_words * D")),
        "tied where it is not": changed(COUNT, ("if tied", "if not tied")),
        "one layer more": changed(COUNT, ("layers * (", "(layers + 1) * (")),
        "three attentions": changed(COUNT, ("(2 * attention", "(3 * attention")),
    },
    "13.6": {
        "the word": written("def attend_step(x, keys, values, *maps): return x, keys, values"),
        "the value": changed(STEP, ("read.reshape(-1) @", "v.reshape(-1) @")),
        "the mean value": changed(STEP, ("softmax_along(scores, 1)", "np.full(scores.shape, 1 / (t + 1))")),
        "the first head for all": changed(LOOPED_STEP, ("x @ W_q[:, h * d : (h + 1) * d]", "x @ W_q[:, :d]")),
        "the new keys alone": changed(STEP, ("W_o, keys, values", "W_o, k[:, None], v[:, None]")),
        "the width of all heads": changed(STEP, ("np.sqrt(d)", "np.sqrt(H * d)")),
        "the width of a value": changed(STEP, ("np.sqrt(d)", "np.sqrt(E)")),
        "the number of words": changed(STEP, ("np.sqrt(d)", "np.sqrt(t + 1)")),
        "no weights": changed(STEP, ("softmax_along(scores, 1)", "scores")),
        "fails for the first word": changed(STEP, ("np.sqrt(d)", "np.sqrt(d * (t > 0))")),
        "keys that do not grow": changed(LOOPED_STEP, ("return output, K, V", "return output, keys, V")),
        "the word twice": changed(
            STEP,
            ("[keys, k[:, None, :]]", "[keys, k[:, None, :], k[:, None, :]]"),
            ("[values, v[:, None, :]]", "[values, v[:, None, :], v[:, None, :]]"),
        ),
        "the word added": changed(STEP, ("read.reshape(-1) @ W_o", "x + read.reshape(-1) @ W_o")),
        "keys before values in reverse": changed(LOOPED_STEP, ("return output, K, V", "return K, V, output")),
        "the output alone": changed(LOOPED_STEP, ("return output, K, V", "return output")),
        "heads in reverse": changed(STEP, ("read.reshape(-1)", "read[::-1].reshape(-1)")),
        "a short memory": changed(STEP, ("    scores =", "    keys, values = keys[:, -3:], values[:, -3:]\n    scores =")),
    },
    "13.7": {
        "nothing": written("def word_scores(target, memory, real, E, start, layers): return np.zeros((*target.shape, len(E)))"),
        "the embeddings": written("def word_scores(target, memory, real, E, start, layers): return E[target] @ E.T"),
        "start everywhere": changed(REPAIRED, ("begun[:, :-1]", "0 * target + start")),
        "shifted twice": changed(REPAIRED, ("begun[:, :-1]", "np.insert(begun, 0, start, axis=1)[:, :-2]")),
        "the first sentence's padding for all": changed(REPAIRED, ("real[:, None, :]", "real[:1, None]")),
        "the first source for all": changed(REPAIRED, ("attend(x, memory, cross", "attend(x, memory[:1] + 0 * memory, cross")),
        "the last layer alone": changed(REPAIRED, ("in layers:", "in layers[-1:]:")),
        "each place read anew, without a mask": written(f"""{GIVEN}
def word_scores(target, memory, real, E, start, layers):
    begun, scores = np.insert(target, 0, start, axis=1), []
    for t in range(target.shape[1]):
        x = E[begun[:, : t + 1]]
        for self_maps, cross_maps, W_in, W_out in layers:
            x = normalised(x + attend(x, x, self_maps))
            x = normalised(x + attend(x, memory, cross_maps, real[:, None]))
            x = normalised(x + np.maximum(x @ W_in, 0) @ W_out)
        scores.append(x[:, -1] @ E.T)
    return np.stack(scores, axis=1)
"""),
        "no feed-forward": changed(REPAIRED, ("np.maximum(x @ W_in, 0) @ W_out", "0 * x")),
        "pre-norm": changed(
            REPAIRED,
            (
                "x = normalised(x + attend(x, x, self_maps, past))",
                "x = x + attend(normalised(x), normalised(x), self_maps, past)",
            ),
        ),
        "maps exchanged": changed(REPAIRED, ("for self_maps, cross_maps,", "for cross_maps, self_maps,")),
        "no residual": changed(REPAIRED, ("normalised(x + attend(x, memory", "normalised(attend(x, memory")),
        "probabilities": changed(REPAIRED, ("return x @ E.T", "return softmax_along(x @ E.T, 2)")),
        "the start left out of the past": changed(REPAIRED, ("    memory =", "    past[1:, 0] = False\n    memory =")),
        "the padding of the target": changed(REPAIRED, ("past)", "past & (begun[:, None, :-1] != target.max()))")),
        "the source in another order": changed(
            REPAIRED,
            ("attend(x, memory, cross_maps, real[:, None, :])", "attend(x, memory[:, ::-1], cross_maps, real[:, None, :])"),
        ),
        "words": changed(REPAIRED, ("return x @ E.T", "return (x @ E.T).argmax(2)")),
        "only one sentence": changed(REPAIRED, ("return x @ E.T", "return (x @ E.T)[:1]")),
        "no batch of one": changed(REPAIRED, ("return x @ E.T", "return (x @ E.T).squeeze()")),
    },
}
