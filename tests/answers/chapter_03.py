"""Answers to the tasks of chapter 03."""

from answers import changed, written

PAIRS = """
def training_pairs(words, sentence, window):
    pairs = []
    for i in range(len(words)):
        for j in range(max(0, i - window), min(len(words), i + window + 1)):
            if i != j and sentence[i] == sentence[j]:
                pairs.append((words[i], words[j]))
    return np.array(pairs)
"""
OFFSETS = """
def training_pairs(words, sentence, window):
    offsets = np.array([d for d in range(-window, window + 1) if d != 0])
    places = np.arange(len(words))[:, None] + offsets
    inside = (places >= 0) & (places < len(words))
    places = np.clip(places, 0, len(words) - 1)
    inside &= sentence[places] == sentence[:, None]
    centres = np.repeat(words, len(offsets)).reshape(places.shape)
    return np.stack([centres[inside], words[places[inside]]], axis=1)
"""
KEPT = """
def keep_probability(counts, threshold):
    f = counts / counts.sum()
    p = np.sqrt(threshold / f)
    return np.minimum(p, 1)
"""
NOISE = """
def noise_distribution(counts, power):
    weights = counts ** power
    return weights / weights.sum()
"""
MEANS = """
def context_means(vectors, contexts, there):
    mask = there
    rows = vectors[contexts] * mask.unsqueeze(-1)
    return rows.sum(dim=1) / mask.sum(dim=1, keepdim=True)
"""
LOOPED_MEANS = """
def context_means(vectors, contexts, there):
    B, C = contexts.shape
    means = torch.zeros(B, vectors.shape[1])
    for b in range(B):
        n = 0
        for c in range(C):
            if there[b, c]:
                means[b] += vectors[contexts[b, c]]
                n += 1
        means[b] /= n
    return means
"""
NEAREST = """
def nearest(vectors, word, k):
    norms = np.linalg.norm(vectors, axis=1)
    cosines = vectors @ vectors[word] / (norms * norms[word])
    order = np.argsort(-cosines, kind="stable")
    best = [v for v in order if v != word][:k]
    return np.array(best), cosines[best]
"""
MASKED_NEAREST = """
def nearest(vectors, word, k):
    unit = vectors / np.sqrt((vectors ** 2).sum(axis=1, keepdims=True))
    cosines = unit @ unit[word]
    cosines[word] = -np.inf
    order = np.argsort(-cosines, kind="stable")[:k]
    return order, cosines[order]
"""
PPMI = """
def ppmi(counts):
    total = counts.sum()
    p = counts / total
    rows = p.sum(axis=1, keepdims=True)
    columns = p.sum(axis=0, keepdims=True)
    result = np.zeros(counts.shape)
    there = counts > 0
    result[there] = np.log2((p / (rows * columns))[there])
    result[result < 0] = 0
    return result
"""
LOOPED_PPMI = """
def ppmi(counts):
    V, C = counts.shape
    total = counts.sum()
    result = np.zeros((V, C))
    for w in range(V):
        for c in range(C):
            if counts[w, c] > 0:
                n = counts[w, c]
                row = counts[w].sum()
                column = counts[:, c].sum()
                value = np.log2(n * total / (row * column))
                result[w, c] = max(0, value)
    return result
"""
LOSS = """
def sampled_loss(centres, contexts, noise):
    right = (centres * contexts).sum(dim=1)
    wrong = torch.einsum("bd,bkd->bk", centres, noise)
    loss = -F.logsigmoid(right) - F.logsigmoid(-wrong).sum(dim=1)
    return loss.mean()
"""
BINARY_LOSS = """
def sampled_loss(centres, contexts, noise):
    words = torch.cat([contexts[:, None], noise], dim=1)
    scores = (words @ centres[:, :, None]).squeeze(2)
    labels = torch.zeros_like(scores)
    labels[:, 0] = 1
    return F.binary_cross_entropy_with_logits(scores, labels, reduction="sum") / len(centres)
"""
GRADIENT = """
def centre_gradient(centres, contexts, noise):
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    B, K, D = noise.shape
    right = sigmoid(np.sum(centres * contexts, axis=1))
    wrong = sigmoid(np.einsum("bd,bkd->bk", centres, noise))
    gradient = (right - 1)[:, None] * contexts
    gradient = gradient + np.einsum("bk,bkd->bd", wrong, noise)
    return gradient / B
"""
LOOPED_GRADIENT = """
def centre_gradient(centres, contexts, noise):
    def sigmoid(x):
        return np.exp(-np.logaddexp(0, -x))

    gradient = np.zeros_like(centres)
    for b in range(len(centres)):
        c, u = centres[b], contexts[b]
        gradient[b] -= sigmoid(-(c @ u)) * u
        for n in noise[b]:
            gradient[b] += sigmoid(c @ n) * n
    return gradient / len(centres)
"""

RIGHT = {
    "03.1": [
        written(PAIRS),
        written(OFFSETS),
        written("""
def training_pairs(words, sentence, window):
    pairs = []
    for s in np.unique(sentence):
        own = list(words[sentence == s])
        for i, centre in enumerate(own):
            left = own[max(0, i - window) : i]
            right = own[i + 1 : i + 1 + window]
            pairs += [[centre, context] for context in left + right]
    return np.array(pairs)
"""),
    ],
    "03.2": [
        written(KEPT),
        written("""
def keep_probability(counts, threshold):
    result = np.ones(len(counts))
    for w, count in enumerate(counts):
        share = count / sum(counts)
        if share > threshold:
            result[w] = (threshold / share) ** 0.5
    return result
"""),
        written("""
def keep_probability(counts, threshold):
    dropped = 1 - np.sqrt(threshold / (counts / np.sum(counts)))
    return 1 - np.maximum(0, dropped)
"""),
    ],
    "03.3": [
        written(NOISE),
        written("""
def noise_distribution(counts, power):
    shares = (counts / counts.sum()) ** power
    return shares / shares.sum()
"""),
        written("""
def noise_distribution(counts, power):
    return np.array([1 / sum((other / count) ** power for other in counts) for count in counts])
"""),
    ],
    "03.4": [
        written(MEANS),
        written(LOOPED_MEANS),
        written("""
def context_means(vectors, contexts, there):
    V = vectors.shape[0]
    counts = torch.zeros(len(contexts), V).scatter_add(1, contexts, there)
    return counts / counts.sum(1, keepdim=True) @ vectors
"""),
    ],
    "03.5": [
        written(NEAREST),
        written(MASKED_NEAREST),
        written("""
def nearest(vectors, word, k):
    found = []
    for v in range(len(vectors)):
        if v != word:
            x, y = vectors[v], vectors[word]
            found.append((-(x @ y) / np.sqrt((x @ x) * (y @ y)), v))
    found = sorted(found)[:k]
    return np.array([v for _, v in found]), np.array([-value for value, _ in found])
"""),
    ],
    "03.6": [
        written(PPMI),
        written(LOOPED_PPMI),
        written("""
def ppmi(counts):
    counts = counts.astype(float)
    ratio = counts * counts.sum() / np.maximum(1, np.outer(counts.sum(1), counts.sum(0)))
    return np.log2(np.maximum(1, ratio))
"""),
        written("""
def ppmi(counts):
    with np.errstate(all="ignore"):
        value = np.log(counts) + np.log(counts.sum()) - np.log(counts.sum(1))[:, None] - np.log(counts.sum(0))
    return np.nan_to_num(np.clip(value, 0, None)) / np.log(2)
"""),
    ],
    "03.7": [
        written(LOSS),
        written(BINARY_LOSS),
        written("""
def sampled_loss(centres, contexts, noise):
    total = 0
    for c, u, rest in zip(centres, contexts, noise):
        total = total + F.softplus(-(c @ u))
        for n in rest:
            total = total + torch.logaddexp(torch.zeros(()), c @ n)
    return total / len(centres)
"""),
    ],
    "03.8": [
        written(GRADIENT),
        written(LOOPED_GRADIENT),
        written("""
def centre_gradient(centres, contexts, noise):
    words = np.concatenate([contexts[:, None], noise], axis=1)
    scores = np.matmul(words, centres[:, :, None])[:, :, 0]
    factors = 0.5 * (1 + np.tanh(scores / 2))
    factors[:, 0] -= 1
    return np.matmul(factors[:, None], words)[:, 0] / centres.shape[0]
"""),
    ],
}
WRONG = {
    "03.1": {
        "across sentences": changed(PAIRS, (" and sentence[i] == sentence[j]", "")),
        "the centre paired with itself": changed(PAIRS, ("i != j and ", "")),
        "equal words not paired": changed(PAIRS, ("i != j and", "words[i] != words[j] and")),
        "the words before the centre only": changed(PAIRS, ("min(len(words), i + window + 1)", "i")),
        "the words after the centre only": changed(PAIRS, ("range(max(0, i - window)", "range(i")),
        "one word short on the right": changed(OFFSETS, ("range(-window, window + 1)", "range(-window, window)")),
        "one word short on both sides": changed(PAIRS, ("if i != j", "if 0 < abs(i - j) < window")),
        "one word too far": changed(PAIRS, ("i - window)", "i - window - 1)"), ("i + window + 1", "i + window + 2")),
        "full windows only": changed(PAIRS, ("for i in range(len(words)):", "for i in range(window, len(words) - window):")),
        "the end of the text before its beginning": changed(PAIRS, ("max(0, i - window)", "i - window")),
        "the context first": changed(PAIRS, ("(words[i], words[j])", "(words[j], words[i])")),
        "distance by distance": written("""
def training_pairs(words, sentence, window):
    pairs = []
    for distance in range(-window, window + 1):
        for i in range(len(words)):
            j = i + distance
            if distance != 0 and 0 <= j < len(words) and sentence[i] == sentence[j]:
                pairs.append([words[i], words[j]])
    return np.array(pairs)
"""),
        "places in place of words": changed(PAIRS, ("(words[i], words[j])", "(i, j)")),
        "each pair once": changed(PAIRS, ("np.array(pairs)", "np.array(sorted(set(pairs)))")),
        "another order": changed(PAIRS, ("np.array(pairs)", "np.array(sorted(pairs))")),
    },
    "03.2": {
        "counts in place of shares": changed(KEPT, ("counts / counts.sum()", "counts")),
        "the share of the vocabulary": changed(KEPT, ("counts.sum()", "counts.shape[0]")),
        "the most frequent word as the whole": changed(KEPT, ("counts.sum()", "np.max(counts)")),
        "the probability of being dropped": changed(
            KEPT, ("np.sqrt(threshold / f)", "1 - np.sqrt(threshold / f)"), ("np.minimum(p, 1)", "np.maximum(p, 0)")
        ),
        "the fraction turned round": changed(KEPT, ("threshold / f", "f / threshold")),
        "above 1": changed(KEPT, ("np.minimum(p, 1)", "p")),
        "no square root": changed(KEPT, ("np.sqrt(threshold / f)", "threshold / f")),
        "the square": changed(KEPT, ("np.sqrt(threshold / f)", "(threshold / f) ** 2")),
        "all or nothing": changed(KEPT, ("np.minimum(p, 1)", "np.where(f < threshold, 1.0, 0.0)")),
        "the formula of the original program": changed(
            KEPT, ("np.sqrt(threshold / f)", "(np.sqrt(f / threshold) + 1) * threshold / f")
        ),
        "made to sum to 1": changed(KEPT, ("np.minimum(p, 1)", "np.minimum(p, 1) / np.minimum(p, 1).sum()")),
    },
    "03.3": {
        "the power left out": changed(NOISE, ("counts ** power", "counts")),
        "the power fixed at 3/4": changed(NOISE, ("** power", "** 0.75")),
        "powers that do not sum to 1": changed(NOISE, (" / weights.sum()", "")),
        "shares raised to the power, and left so": changed(
            NOISE, ("counts ** power", "counts"), ("weights / weights.sum()", "(weights / weights.sum()) ** power")
        ),
        "divided by the number of words in the text": changed(NOISE, ("weights.sum()", "counts.sum()")),
        "the power turned round": changed(NOISE, ("** power", "** (1 / power)")),
        "one less the power": changed(NOISE, ("counts ** power", "counts / counts ** power")),
        "softmax of the powers": changed(NOISE, ("counts ** power", "np.exp(counts ** power - 100)")),
        "the largest made 1": changed(NOISE, ("weights.sum()", "weights.max()")),
        "a vector of length 1": changed(NOISE, ("weights.sum()", "np.sqrt((weights ** 2).sum())")),
        "added up from the left": changed(
            NOISE, ("return weights / weights.sum()", "return np.cumsum(weights) / np.sum(weights)")
        ),
    },
    "03.4": {
        "empty places counted": written("def context_means(vectors, contexts, there): return vectors[contexts].mean(dim=1)"),
        "divided by the width of the window": changed(
            MEANS, ("rows.sum(dim=1) / mask.sum(dim=1, keepdim=True)", "rows.mean(dim=1)")
        ),
        "the sum": changed(MEANS, (" / mask.sum(dim=1, keepdim=True)", "")),
        "the mask turned round": changed(LOOPED_MEANS, ("if there", "if not there")),
        "word 0 taken for an empty place": changed(MEANS, ("mask = there", "mask = (contexts != 0).float()")),
        "word 0 left out besides": changed(LOOPED_MEANS, ("if there[b, c]:", "if there[b, c] and contexts[b, c] > 0:")),
        "a repeated word counted once": written("""
def context_means(vectors, contexts, there):
    return torch.stack([vectors[row[mask == 1].unique()].mean(dim=0) for row, mask in zip(contexts, there)])
"""),
        "one divisor for the whole batch": changed(MEANS, ("mask.sum(dim=1, keepdim=True)", "mask.sum() * len(mask)")),
        "one word too many in the divisor": changed(LOOPED_MEANS, ("n = 0", "n = 1")),
        "a square root in the divisor": changed(MEANS, ("mask.sum(dim=1, keepdim=True)", "mask.norm(dim=1, keepdim=True)")),
        "made a vector of length 1": changed(LOOPED_MEANS, ("return means", "return means / means.norm(dim=1, keepdim=True)")),
    },
    "03.5": {
        "dot products": changed(NEAREST, (" / (norms * norms[word])", "")),
        "the word's own length left in": changed(NEAREST, ("(norms * norms[word])", "norms")),
        "the others' lengths left in": changed(NEAREST, ("(norms * norms[word])", "norms[word]")),
        "columns made length 1": changed(MASKED_NEAREST, ("sum(axis=1, keepdims=True)", "sum(axis=0, keepdims=True)")),
        "the word itself among them": changed(NEAREST, (" if v != word", "")),
        "the first one left out, whoever it is": changed(
            NEAREST, ("[v for v in order if v != word][:k]", "list(order)[1 : k + 1]")
        ),
        "one too few": changed(NEAREST, ("for v in order if", "for v in order[:k] if")),
        "the word itself given the cosine 0": changed(MASKED_NEAREST, ("-np.inf", "0")),
        "the farthest": changed(NEAREST, ("np.argsort(-cosines", "np.argsort(cosines")),
        "the least near of them first": changed(
            MASKED_NEAREST, ("return order, cosines[order]", "return order[::-1], cosines[order][::-1]")
        ),
        "distances": changed(
            NEAREST,
            ("vectors @ vectors[word] / (norms * norms[word])", "np.sqrt(((vectors - vectors[word]) ** 2).sum(axis=1))"),
            ("np.argsort(-cosines", "np.argsort(cosines"),
        ),
        "one less the cosine": changed(NEAREST, ("cosines[best]", "1 - cosines[best]")),
        "opposites counted as near": changed(NEAREST, ("vectors @ vectors[word] /", "np.abs(vectors @ vectors[word]) /")),
        "ids of a table without the word": written("""
def nearest(vectors, word, k):
    others = np.delete(vectors, word, axis=0)
    cosines = others @ vectors[word] / (np.linalg.norm(others, axis=1) * np.linalg.norm(vectors[word]))
    best = np.argsort(-cosines, kind="stable")[:k]
    return best, cosines[best]
"""),
        "ties to the larger id": changed(
            NEAREST, ('np.argsort(-cosines, kind="stable")', 'np.argsort(cosines, kind="stable")[::-1]')
        ),
    },
    "03.6": {
        "negative values left": changed(PPMI, ("    result[result < 0] = 0\n", "")),
        "minus infinity for pairs that never met": changed(
            PPMI, ("return result", "result[counts == 0] = -np.inf\n    return result")
        ),
        "nats": changed(PPMI, ("np.log2(", "np.log(")),
        "no logarithm": changed(PPMI, ("np.log2(", "(")),
        "1 added inside the logarithm": changed(LOOPED_PPMI, ("np.log2(n", "np.log2(1 + n")),
        "1 added to every count": changed(PPMI, ("    total", "    counts = counts + 1\n    total")),
        "less often counted like more often": changed(PPMI, ("result[result < 0] = 0", "result = np.abs(result)")),
        "the sign turned round": changed(LOOPED_PPMI, ("n * total / (row * column)", "row * column / (n * total)")),
        "everything 0": changed(LOOPED_PPMI, ("n * total / (row * column)", "n / (row * column)")),
        "counts over probabilities": changed(PPMI, ("(p / (rows", "(counts / (rows")),
        "every word as frequent as any other": changed(PPMI, ("(p / (rows * columns))", "(p / (1 / len(p) / p.shape[1]))")),
        "the contexts' frequencies left out": changed(PPMI, ("(rows * columns)", "(rows / p.shape[1])")),
        "the words' frequencies left out": changed(PPMI, ("(rows * columns)", "(columns / p.shape[0])")),
        "contexts smoothed by the power 3/4": changed(
            PPMI, ("    result =", "    columns = columns**0.75 / (columns**0.75).sum()\n    result =")
        ),
        "weighted by the shared probability": changed(PPMI, ("return result", "return p * result")),
        "nothing divided by nothing": written("""
def ppmi(counts):
    p = counts / counts.sum()
    chance = p.sum(1, keepdims=True) * p.sum(0, keepdims=True)
    return np.maximum(0, np.log2(p / chance))
"""),
    },
    "03.7": {
        "noise drawn near": changed(LOSS, ("F.logsigmoid(-wrong)", "F.logsigmoid(wrong)")),
        "the context pushed away": changed(LOSS, ("F.logsigmoid(right)", "F.logsigmoid(-right)")),
        "the two sides exchanged": changed(
            BINARY_LOSS, ("zeros_like(scores)", "ones_like(scores)"), ("labels[:, 0] = 1", "labels[:, 0] = 0")
        ),
        "the sign turned round": changed(LOSS, ("-F.logsigmoid(right) - F", "F.logsigmoid(right) + F")),
        "the mean over the noise words": changed(LOSS, ("sum(dim=1)\n    return", "mean(dim=1)\n    return")),
        "the sum over the batch": changed(BINARY_LOSS, (" / len(centres)", "")),
        "no logarithm": changed(LOSS, ("F.logsigmoid", "torch.sigmoid")),
        "no sigmoid": changed(LOSS, ("F.logsigmoid(right)", "right"), ("F.logsigmoid(-wrong)", "(-wrong)")),
        "the logarithm after the sum": changed(
            LOSS, ("F.logsigmoid(-wrong).sum(dim=1)", "torch.log(torch.sigmoid(-wrong).sum(dim=1))")
        ),
        "the scores added before the sigmoid": changed(
            LOSS, ("F.logsigmoid(-wrong).sum(dim=1)", "F.logsigmoid(-centres.unsqueeze(1).mul(noise).sum(dim=(1, 2)))")
        ),
        "bits": changed(LOSS, ("loss.mean()", "loss.mean() * torch.log2(torch.tensor(torch.e))")),
        "a softmax over context and noise": changed(
            BINARY_LOSS,
            (
                'F.binary_cross_entropy_with_logits(scores, labels, reduction="sum") / len(centres)',
                "F.cross_entropy(scores, torch.zeros(len(scores), dtype=torch.long))",
            ),
        ),
        "the context alone": changed(LOSS, (" - F.logsigmoid(-wrong).sum(dim=1)", "")),
        "the noise alone": changed(LOSS, ("-F.logsigmoid(right) ", "")),
        "cosines in place of scores": changed(
            LOSS,
            ("(centres * contexts).sum(dim=1)", "F.cosine_similarity(centres, contexts)"),
            ('torch.einsum("bd,bkd->bk", centres, noise)', "F.cosine_similarity(centres[:, None], noise, dim=2)"),
        ),
        "the first window's noise for all": changed(LOSS, ('"bd,bkd->bk", centres, noise', '"bd,kd->bk", centres, noise[0]')),
        "a small number inside the logarithm": changed(
            LOSS,
            ("F.logsigmoid(right)", "torch.log(torch.sigmoid(right) + 1e-10)"),
            ("F.logsigmoid(-wrong)", "torch.log(torch.sigmoid(-wrong) + 1e-10)"),
        ),
        "overflow": changed(
            LOSS,
            ("F.logsigmoid(right)", "torch.log(torch.sigmoid(right))"),
            ("F.logsigmoid(-wrong)", "torch.log(1 - torch.sigmoid(wrong))"),
        ),
    },
    "03.8": {
        "the sign turned round": changed(GRADIENT, ("return gradient / B", "return -gradient / B")),
        "the sum over the batch": changed(GRADIENT, ("return gradient / B", "return gradient")),
        "the 1 of the true context left out": changed(GRADIENT, ("(right - 1)", "right")),
        "noise drawn near": changed(GRADIENT, ("gradient + np.einsum", "gradient - np.einsum")),
        "noise treated like the context": changed(GRADIENT, ('"bk,bkd->bd", wrong', '"bk,bkd->bd", wrong - 1')),
        "noise of low score pushed hardest": changed(LOOPED_GRADIENT, ("sigmoid(c @ n)", "sigmoid(-(c @ n))")),
        "the slope of the sigmoid": changed(
            GRADIENT, ("(right - 1)", "(right * (right - 1))"), ('"bk,bkd->bd", wrong', '"bk,bkd->bd", wrong * (1 - wrong)')
        ),
        "the slope of the sigmoid once too often": changed(
            GRADIENT,
            ("(right - 1)", "((right - 1) * right * (1 - right))"),
            ('"bk,bkd->bd", wrong', '"bk,bkd->bd", wrong * wrong * (1 - wrong)'),
        ),
        "the centre in place of the other words": changed(
            LOOPED_GRADIENT, ("sigmoid(-(c @ u)) * u", "sigmoid(-(c @ u)) * c"), ("sigmoid(c @ n) * n", "sigmoid(c @ n) * c")
        ),
        "the noise left out": changed(GRADIENT, ("gradient + np", "gradient + 0 * np")),
        "the context left out": changed(GRADIENT, ("* contexts\n", "* contexts * 0\n")),
        "the mean over the noise words": changed(
            GRADIENT, ('np.einsum("bk,bkd->bd", wrong, noise)', 'np.einsum("bk,bkd->bd", wrong, noise) / K')
        ),
        "divided by the noise words too": changed(GRADIENT, ("gradient / B", "gradient / B / K")),
        "scores in place of sigmoids": changed(GRADIENT, ("1 / (1 + np.exp(-x))", "x")),
        "overflow": changed(GRADIENT, ("1 / (1 + np.exp(-x))", "np.exp(x) / (1 + np.exp(x))")),
    },
}
SLOPPY = {  # no misconception of the list, but wrong
    "03.1": {
        "a list": changed(PAIRS, ("np.array(pairs)", "pairs")),
        "two rows": changed(PAIRS, ("np.array(pairs)", "np.array(pairs).T")),
        "floating-point ids": changed(PAIRS, ("np.array(pairs)", "np.array(pairs, dtype=float)")),
        "flat": changed(PAIRS, ("np.array(pairs)", "np.array(pairs).ravel()")),
        "only the farthest": changed(PAIRS, ("if i != j", "if abs(i - j) == window")),
        "only the nearest": changed(PAIRS, ("if i != j", "if abs(i - j) == 1")),
        "a window of 2": changed(PAIRS, ("    pairs = []", "    window = 2\n    pairs = []")),
        "a window across the start of a sentence": changed(PAIRS, ("sentence[i] == sentence[j]", "sentence[i] <= sentence[j]")),
        "only the first sentence": changed(PAIRS, ("sentence[i] == sentence[j]", "sentence[i] == sentence[j] == 0")),
        "the last sentence left out": changed(
            PAIRS, ("sentence[i] == sentence[j]", "sentence[i] == sentence[j] < sentence[-1]")
        ),
        "a sentence left out where its number is 0": changed(
            PAIRS, ("sentence[i] == sentence[j]", "sentence[i] * sentence[j] and sentence[i] == sentence[j]")
        ),
        "the last word left out": changed(PAIRS, ("range(len(words))", "range(len(words) - 1)")),
        "the first word left out": changed(PAIRS, ("range(len(words))", "range(1, len(words))")),
        "the last word is no context": changed(PAIRS, ("min(len(words),", "min(len(words) - 1,")),
        "the first word is no context": changed(PAIRS, ("max(0,", "max(1,")),
        "one word short on the left": changed(PAIRS, ("i - window)", "i - window + 1)")),
        "the right side first": changed(OFFSETS, ("range(-window, window + 1)", "range(window, -window - 1, -1)")),
        "each pair once, in order": changed(PAIRS, ("np.array(pairs)", "np.array(list(dict.fromkeys(pairs)))[:, :]")),
        "pairs in one direction": changed(PAIRS, ("i != j", "words[i] < words[j]")),
        "numbers of sentences": changed(PAIRS, ("(words[i], words[j])", "(words[i], sentence[j])")),
        "chunks in place of windows": changed(PAIRS, ("if i != j", "if i != j and i // window == j // window")),
        "with distances": changed(PAIRS, ("(words[i], words[j])", "(words[i], words[j], abs(i - j))")),
        "a window for each centre": changed(PAIRS, ("        for j", "        window = window if i else 1\n        for j")),
    },
    "03.2": {
        "all kept": written("def keep_probability(counts, threshold): return np.ones(len(counts))"),
        "clipped at the threshold": changed(KEPT, ("np.minimum(p, 1)", "np.minimum(p, threshold)")),
        "at least 1": changed(KEPT, ("np.minimum", "np.maximum")),
        "the ceiling of one half": changed(KEPT, ("np.minimum(p, 1)", "np.minimum(p, 0.5)")),
        "shares of the others": changed(KEPT, ("counts.sum()", "(counts.sum() - counts)")),
        "rounded": changed(KEPT, ("np.minimum(p, 1)", "np.round(np.minimum(p, 1), 2)")),
        "a percentage": changed(KEPT, ("np.minimum(p, 1)", "100 * np.minimum(p, 1)")),
        "a list": changed(KEPT, ("np.minimum(p, 1)", "np.minimum(p, 1).tolist()")),
        "drawn": changed(KEPT, ("np.minimum(p, 1)", "(np.random.rand(len(p)) < p) * 1.0")),
        "booleans": changed(KEPT, ("np.minimum(p, 1)", "p >= 1")),
        "the root of the share alone": changed(KEPT, ("np.sqrt(threshold / f)", "np.sqrt(threshold) / f")),
        "the root of the threshold left out": changed(KEPT, ("np.sqrt(threshold / f)", "threshold / np.sqrt(f)")),
        "the cube root": changed(KEPT, ("np.sqrt(", "np.cbrt(")),
        "1 over the root": changed(KEPT, ("np.sqrt(threshold / f)", "1 / np.sqrt(threshold * f)")),
        "the threshold fixed": changed(KEPT, ("threshold / f", "1e-3 / f")),
        "an exponential": changed(KEPT, ("np.sqrt(threshold / f)", "np.exp(-f / threshold)")),
        "ranks for shares": changed(KEPT, ("counts / counts.sum()", "(1 + counts.argsort()) / counts.sum()")),
        "sorted": changed(KEPT, ("np.minimum(p, 1)", "np.sort(np.minimum(p, 1))")),
        "the ceiling for the rarest only": changed(KEPT, ("np.minimum(p, 1)", "np.where(p == p.max(), 1, p)")),
        "what is above 1 dropped": changed(KEPT, ("np.minimum(p, 1)", "np.where(p > 1, 0, p)")),
        "scaled to at most 1": changed(KEPT, ("np.minimum(p, 1)", "p / p.max()")),
        "log shares": changed(KEPT, ("counts / counts.sum()", "-np.log(counts / counts.sum())")),
    },
    "03.3": {
        "all alike": written("def noise_distribution(counts, power): return np.ones(len(counts)) / len(counts)"),
        "the power of the sum": changed(NOISE, ("weights.sum()", "counts.sum() ** power")),
        "counts multiplied": changed(NOISE, ("counts ** power", "counts * power")),
        "the power turned to its inverse": changed(NOISE, ("** power", "** -power")),
        "the power taken twice": changed(
            NOISE,
            ("counts ** power", "(counts / counts.sum()) ** power"),
            ("weights / weights.sum()", "weights**power / (weights**power).sum()"),
        ),
        "rounded to whole counts": changed(NOISE, ("counts ** power", "(counts ** power).astype(int)")),
        "a power of 1/4": changed(NOISE, ("** power", "** 0.25")),
        "one added": changed(NOISE, ("counts ** power", "(counts + 1) ** power")),
        "sorted": changed(NOISE, ("weights / weights.sum()", "np.sort(weights / weights.sum())[::-1]")),
        "a list": changed(NOISE, ("weights / weights.sum()", "list(weights / weights.sum())")),
        "softmax of the shares": changed(NOISE, ("counts ** power", "np.exp(power * counts / counts.sum())")),
        "logarithms": changed(NOISE, ("counts ** power", "np.log(counts + 1) * power")),
        "the mean in place of the sum": changed(NOISE, ("weights.sum()", "weights.mean()")),
        "powers of the base": changed(NOISE, ("counts ** power", "power ** (counts / counts.max())")),
        "a log distribution": changed(NOISE, ("weights / weights.sum()", "np.log(weights / weights.sum())")),
        "rarer words more": changed(NOISE, ("weights / weights.sum()", "(1 - weights / weights.sum()) / (len(weights) - 1)")),
        "whole-number powers": changed(NOISE, ("** power", "// 1 ** power")),
        "a draw": changed(NOISE, ("weights / weights.sum()", "np.random.permutation(weights / weights.sum())")),
        "subsampled": changed(NOISE, ("counts ** power", "np.minimum(counts, 300) ** power")),
        "the last word takes the rest": changed(
            NOISE,
            (
                "return weights / weights.sum()",
                "weights = weights / counts.sum()\n    weights[-1] = 1 - weights[:-1].sum()\n    return weights",
            ),
        ),
    },
    "03.4": {
        "the first word": changed(MEANS, ("rows.sum(dim=1) / mask.sum(dim=1, keepdim=True)", "rows[:, 0]")),
        "the first word that is there": written(
            "def context_means(vectors, contexts, there): return vectors[contexts[range(len(there)), there.argmax(1)]]"
        ),
        "the largest": changed(MEANS, ("rows.sum(dim=1) / mask.sum(dim=1, keepdim=True)", "rows.max(dim=1).values")),
        "the median": written(
            "def context_means(*args): return torch.stack([args[0][c[m > 0]].median(0).values for c, m in zip(*args[1:])])"
        ),
        "the ids": changed(
            MEANS,
            ("vectors[contexts] * mask.unsqueeze(-1)", "(contexts * mask).unsqueeze(-1).expand(-1, -1, vectors.shape[1])"),
        ),
        "masked ids": changed(MEANS, ("vectors[contexts] * mask.unsqueeze(-1)", "vectors[contexts * there.long()]")),
        "masked ids, divided by all": written(
            "def context_means(vectors, contexts, there): return vectors[contexts * there.long()].mean(1)"
        ),
        "over the components": changed(MEANS, ("rows.sum(dim=1) / mask.sum(dim=1, keepdim=True)", "rows.mean(dim=2)")),
        "over the windows": changed(MEANS, ("rows.sum(dim=1) / mask.sum(dim=1, keepdim=True)", "rows.sum(dim=0)")),
        "an axis too many": changed(MEANS, ("rows.sum(dim=1) /", "rows.sum(dim=1)[:, None] /")),
        "an array": changed(
            MEANS,
            ("return rows.sum(dim=1) / mask.sum(dim=1, keepdim=True)", "return (rows.sum(1) / mask.sum(1)[:, None]).numpy()"),
        ),
        "a list": changed(LOOPED_MEANS, ("return means", "return means.tolist()")),
        "two words at least": changed(MEANS, ("mask.sum(dim=1, keepdim=True)", "mask.sum(dim=1, keepdim=True).clamp(min=2)")),
        "four words at most": changed(MEANS, ("mask.sum(dim=1, keepdim=True)", "mask.sum(dim=1, keepdim=True).clamp(max=2)")),
        "a small number in the divisor": changed(
            MEANS, ("mask.sum(dim=1, keepdim=True)", "(mask.sum(dim=1, keepdim=True) + 1e-3)")
        ),
        "stops at the first empty place": changed(
            LOOPED_MEANS, ("                n += 1", "                n += 1\n            else:\n                break")
        ),
        "the last place left out": changed(LOOPED_MEANS, ("range(C)", "range(C - 1)")),
        "the first place left out": changed(LOOPED_MEANS, ("range(C)", "range(1, C)")),
        "the last window left out": changed(LOOPED_MEANS, ("range(B)", "range(B - 1)")),
        "empty where a component is zero": changed(MEANS, ("mask.sum(dim=1, keepdim=True)", "(rows > 0).sum(dim=1)")),
        "whole-number mean": changed(MEANS, ("/ mask", "// mask")),
        "the mean of the last window": changed(
            MEANS,
            (
                "rows.sum(dim=1) / mask.sum(dim=1, keepdim=True)",
                "(rows.sum(dim=1) / mask.sum(dim=1, keepdim=True))[-1:].expand(len(rows), -1)",
            ),
        ),
        "word 0 for empty places": changed(
            MEANS,
            (
                "rows = vectors[contexts] * mask.unsqueeze(-1)",
                "rows = torch.where(there[:, :, None] > 0, vectors[contexts], vectors[0])",
            ),
        ),
        "rows of an axis squeezed": changed(MEANS, ("return rows", "rows = rows.squeeze()\n    return rows")),
        "each divided twice": changed(MEANS, ("* mask.unsqueeze(-1)", "* (mask / mask.sum(1, keepdim=True)).unsqueeze(-1)")),
        "weights by a softmax of the mask": changed(MEANS, ("mask = there", "mask = there.softmax(1)")),
        "centred": changed(MEANS, ("vectors[contexts] *", "(vectors - vectors.mean(0))[contexts] *")),
    },
    "03.5": {
        "ids only": changed(NEAREST, ("np.array(best), cosines[best]", "np.array(best)")),
        "cosines first": changed(NEAREST, ("np.array(best), cosines[best]", "cosines[best], np.array(best)")),
        "lists": changed(NEAREST, ("np.array(best), cosines[best]", "best, list(cosines[best])")),
        "all cosines": changed(NEAREST, ("cosines[best]", "cosines")),
        "in the order of the ids": changed(
            NEAREST, ("order if v != word][:k]", "order if v != word][:k]\n    best = sorted(best)")
        ),
        "the k nearest but one": changed(NEAREST, ("!= word][:k]", "!= word][1 : k + 1]")),
        "angles": changed(NEAREST, ("cosines[best]", "np.arccos(np.clip(cosines[best], -1, 1))")),
        "squared cosines": changed(NEAREST, ("cosines[best]", "cosines[best] ** 2")),
        "divided by the sum of lengths": changed(NEAREST, ("(norms * norms[word])", "(norms + norms[word])")),
        "divided by squares": changed(NEAREST, ("(norms * norms[word])", "(norms * norms[word]) ** 2")),
        "the largest norm": changed(NEAREST, ("(norms * norms[word])", "(norms.max() * norms[word])")),
        "the sum of absolute values for a length": changed(
            NEAREST, ("np.linalg.norm(vectors, axis=1)", "np.abs(vectors).sum(axis=1)")
        ),
        "correlations": changed(
            NEAREST, ("    norms", "    vectors = vectors - vectors.mean(axis=1, keepdims=True)\n    norms")
        ),
        "centred": changed(NEAREST, ("    norms", "    vectors = vectors - vectors.mean(axis=0)\n    norms")),
        "word 0": changed(NEAREST, ("vectors[word] /", "vectors[0] /")),
        "word 0 left out": changed(NEAREST, ("if v != word", "if v != 0")),
        "every twin left out": changed(NEAREST, ("if v != word", "if v != word and cosines[v] < 0.9999")),
        "positive ones only": changed(NEAREST, ("if v != word", "if v != word and cosines[v] > 0")),
        "the words before it only": changed(NEAREST, ("if v != word", "if v < word")),
        "never negative": changed(NEAREST, ("cosines[best]", "np.maximum(cosines[best], 0)")),
        "the word itself at -1": changed(
            MASKED_NEAREST, ("-np.inf", "-1"), ("[:k]", "[:k][::1]"), ("cosines[order]", "cosines[order] + 0.001")
        ),
        "the word's cosine for all": changed(NEAREST, ("cosines[best]", "np.ones(len(best))")),
        "floating-point ids": changed(NEAREST, ("np.array(best)", "np.array(best, dtype=float)")),
        "rounded": changed(NEAREST, ("cosines[best]", "cosines[best].round(2)")),
        "by the dot product, with cosines": changed(
            NEAREST, ("np.argsort(-cosines,", "np.argsort(-(vectors @ vectors[word]),")
        ),
        "by distance, with cosines": changed(
            NEAREST, ("np.argsort(-cosines,", "np.argsort(np.linalg.norm(vectors - vectors[word], axis=1),")
        ),
        "shrunk by a small number": changed(NEAREST, ("(norms * norms[word])", "(norms * norms[word] + 0.01)")),
    },
    "03.6": {
        "the smallest bound 1": changed(PPMI, ("result[result < 0] = 0", "result[result < 1] = 0")),
        "shifted": changed(PPMI, ("result[result < 0] = 0", "result -= 1\n    result[result < 0] = 0")),
        "the bound below": changed(PPMI, ("result[result < 0] = 0", "result[result < -1] = 0")),
        "the signs of pairs": changed(PPMI, ("return result", "return (result > 0) * 1.0")),
        "rows for both": changed(LOOPED_PPMI, ("column = counts[:, c].sum()", "column = counts[w].sum()")),
        "columns for both": changed(LOOPED_PPMI, ("row = counts[w].sum()", "row = counts[:, c].sum()")),
        "columns and rows added": changed(PPMI, ("rows * columns", "(rows + columns) / 2")),
        "base 10": changed(PPMI, ("np.log2", "np.log10")),
        "the root of chance": changed(PPMI, ("(rows * columns)", "np.sqrt(rows * columns)")),
        "the number of cells for the total": changed(LOOPED_PPMI, ("total = counts.sum()", "total = counts.size")),
        "the largest count for the total": changed(LOOPED_PPMI, ("total = counts.sum()", "total = counts.max()")),
        "the number of pairs that met": changed(LOOPED_PPMI, ("total = counts.sum()", "total = (counts > 0).sum()")),
        "what is left of the rows": changed(LOOPED_PPMI, ("row = counts[w].sum()", "row = counts[w].sum() - n")),
        "rows of presence": changed(PPMI, ("counts / total", "(counts > 0) / (counts > 0).sum()")),
        "frequent pairs only": changed(PPMI, ("counts > 0", "counts > 2")),
        "zeros made small": changed(PPMI, ("    total", "    counts = counts + 0.1\n    total")),
        "log of counts": changed(PPMI, ("np.log2((p / (rows * columns))[there])", "np.log2(counts[there])")),
        "the logarithm of 1 more than the positive part": changed(PPMI, ("return result", "return np.log2(1 + result)")),
        "normalised": changed(PPMI, ("return result", "return result / result.max()")),
        "rows of length 1": changed(
            PPMI, ("return result", "return result / np.maximum(1e-9, np.linalg.norm(result, axis=1, keepdims=True))")
        ),
        "transposed": changed(PPMI, ("return result", "return result.T")),
        "cut at 4 bits": changed(PPMI, ("return result", "return np.minimum(result, 0.5)")),
        "rounded": changed(PPMI, ("return result", "return result.round(1)")),
        "whole numbers": changed(PPMI, ("np.zeros(counts.shape)", "np.zeros_like(counts)")),
        "cells that never met made nothing": changed(
            PPMI, ("return result", "result[counts == 0] = np.nan\n    return result")
        ),
        "a smoothed word": changed(PPMI, ("    result =", "    rows = rows**0.75 / (rows**0.75).sum()\n    result =")),
        "empty rows of equal shares": changed(
            PPMI, ("return result", "result[counts.sum(1) == 0] = 1 / counts.shape[1]\n    return result")
        ),
        "divided by the entropy of the pair": changed(
            PPMI, ("return result", "return result / np.maximum(1e-9, -np.log2(np.where(there, p, 0.5)))")
        ),
    },
    "03.7": {
        "each window's": changed(LOSS, ("loss.mean()", "loss")),
        "a number": changed(LOSS, ("loss.mean()", "loss.mean().item()")),
        "an axis": changed(LOSS, ("loss.mean()", "loss.mean(dim=0, keepdim=True)")),
        "the mean of all scores": changed(
            BINARY_LOSS, ("    return F", "    return F.binary_cross_entropy_with_logits(scores, labels)\n    return F")
        ),
        "the context as often as the noise": changed(LOSS, ("-F.logsigmoid(right)", "-noise.shape[1] * F.logsigmoid(right)")),
        "over both axes": changed(LOSS, ("loss.mean()", "loss.mean() / noise.shape[1]")),
        "over components": changed(LOSS, ("loss.mean()", "loss.mean() / centres.shape[1]")),
        "scores divided by the root of the width": changed(
            LOSS, ("    loss", "    right, wrong = right / centres.shape[1] ** 0.5, wrong / centres.shape[1] ** 0.5\n    loss")
        ),
        "the first noise word only": changed(LOSS, ("-wrong)", "-wrong[:, :1])")),
        "the last noise word left out": changed(LOSS, ("-wrong)", "-wrong[:, :-1])")),
        "the first window only": changed(LOSS, ("loss.mean()", "loss[0]")),
        "the largest": changed(LOSS, ("loss.mean()", "loss.max()")),
        "the median": changed(LOSS, ("loss.mean()", "loss.median()")),
        "tanh": changed(LOSS, ("F.logsigmoid(right)", "torch.tanh(right)")),
        "probabilities of the noise": changed(LOSS, ("- F.logsigmoid(-wrong)", "+ torch.sigmoid(wrong)")),
        "noise against the context": changed(LOSS, ('"bd,bkd->bk", centres', '"bd,bkd->bk", contexts')),
        "context against the context": changed(LOSS, ("centres * contexts", "contexts * contexts")),
        "componentwise": changed(
            LOSS,
            ("(centres * contexts).sum(dim=1)", "(centres * contexts)"),
            ("F.logsigmoid(right)", "F.logsigmoid(right).sum(dim=1)"),
        ),
        "every centre with every context": changed(LOSS, ("(centres * contexts).sum(dim=1)", "(centres @ contexts.T).mean(1)")),
        "scores limited to 6": changed(
            LOSS, ("    loss", "    right, wrong = right.clamp(-6, 6), wrong.clamp(-6, 6)\n    loss")
        ),
        "a hinge": changed(LOSS, ("-F.logsigmoid(right) - F.logsigmoid(-wrong)", "F.relu(1 - right) + F.relu(1 + wrong)")),
        "squares": changed(
            LOSS, ("-F.logsigmoid(right) - F.logsigmoid(-wrong)", "(1 - right.sigmoid()) ** 2 + (wrong.sigmoid() ** 2)")
        ),
        "noise of the next window": changed(LOSS, ("centres, noise)", "centres, noise.roll(1, 0))")),
        "0 for a mistake that is too large": changed(LOSS, ("loss.mean()", "loss[loss < 100].sum() / len(loss)")),
        "squeezed": changed(BINARY_LOSS, (".squeeze(2)", ".squeeze()")),
        "noise words added before the sigmoid, by their mean": changed(
            LOSS, ("F.logsigmoid(-wrong).sum(dim=1)", "F.logsigmoid(-wrong.mean(dim=1))")
        ),
        "an array": changed(LOSS, ("loss.mean()", "loss.mean().numpy()")),
        "in base 10": changed(LOSS, ("loss.mean()", "loss.mean() / 2.302585")),
        "a factor of one half": changed(LOSS, ("loss.mean()", "loss.mean() / 2")),
    },
    "03.8": {
        "one for the whole batch": changed(GRADIENT, ("return gradient / B", "return gradient.mean(0)")),
        "the mean in each row": changed(GRADIENT, ("return gradient / B", "return np.tile(gradient.mean(0), (B, 1))")),
        "a tensor": changed(GRADIENT, ("return gradient / B", "return torch.from_numpy(gradient / B)")),
        "a list": changed(GRADIENT, ("gradient / B", "(gradient / B).tolist()")),
        "divided by the width": changed(GRADIENT, ("gradient / B", "gradient / D")),
        "the context's sign": changed(GRADIENT, ("(right - 1)", "(1 - right)")),
        "1 without the sigmoid": changed(GRADIENT, ("(right - 1)[:, None] * contexts", "-contexts")),
        "all noise alike": changed(GRADIENT, ('np.einsum("bk,bkd->bd", wrong, noise)', "noise.sum(1)")),
        "the gradient for the contexts": changed(
            GRADIENT,
            ("[:, None] * contexts", "[:, None] * centres"),
            ('gradient + np.einsum("bk,bkd->bd", wrong, noise)', "gradient"),
        ),
        "the first noise word only": changed(LOOPED_GRADIENT, ("in noise[b]", "in noise[b][:1]")),
        "the last noise word only": changed(
            LOOPED_GRADIENT, ("gradient[b] += sigmoid(c @ n) * n", "last = sigmoid(c @ n) * n\n        gradient[b] += last")
        ),
        "the first window's noise": changed(LOOPED_GRADIENT, ("in noise[b]", "in noise[0]")),
        "noise against the context": changed(LOOPED_GRADIENT, ("sigmoid(c @ n)", "sigmoid(u @ n)")),
        "the difference of the vectors": changed(LOOPED_GRADIENT, ("* n\n", "* (n - c)\n")),
        "the noise's sum in one sigmoid": changed(
            GRADIENT, ("wrong, noise)", "wrong * 0 + wrong.mean(1, keepdims=True), noise)")
        ),
        "softmax": changed(GRADIENT, ("    gradient =", "    wrong = wrong / wrong.sum(1, keepdims=True)\n    gradient =")),
        "limited to 1": changed(GRADIENT, ("return gradient / B", "return np.clip(gradient / B, -0.1, 0.1)")),
        "made length 1": changed(
            GRADIENT, ("return gradient / B", "return gradient / np.linalg.norm(gradient, axis=1, keepdims=True)")
        ),
        "scores limited to 6": changed(GRADIENT, ("1 / (1 + np.exp(-x))", "1 / (1 + np.exp(-np.clip(x, -2, 2)))")),
        "tanh": changed(GRADIENT, ("1 / (1 + np.exp(-x))", "np.tanh(x)")),
        "a step for a sigmoid": changed(GRADIENT, ("1 / (1 + np.exp(-x))", "1.0 * (x > 0)")),
        "the sigmoid of -x": changed(GRADIENT, ("np.exp(-x)", "np.exp(x)")),
        "for bits": changed(GRADIENT, ("gradient / B", "gradient / B / np.log(2)")),
        "with a rate": changed(GRADIENT, ("gradient / B", "0.025 * gradient / B")),
        "the new centres": changed(GRADIENT, ("gradient / B", "centres - gradient / B")),
        "each component's own score": changed(
            GRADIENT, ("sigmoid(np.sum(centres * contexts, axis=1))", "sigmoid(centres * contexts).mean(1)")
        ),
        "noise treated as one": changed(GRADIENT, ("wrong, noise)", "wrong, noise.mean(1, keepdims=True) + 0 * noise)")),
        "the last row left at 0": changed(LOOPED_GRADIENT, ("range(len(centres))", "range(len(centres) - 1)")),
    },
}
