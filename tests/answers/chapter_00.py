"""Answers to the tasks of chapter 00."""

from answers import changed, written

SOFTMAX = """
def softmax(logits):
    weights = np.zeros_like(logits)
    for n, row in enumerate(logits):
        powers = np.exp(row - max(row))
        weights[n] = powers / sum(powers)
    return weights
"""
VECTORISED = """
def softmax(logits):
    logits = logits - logits.max(axis=1, keepdims=True)
    e = np.exp(logits)
    return e / e.sum(axis=1, keepdims=True)
"""
CROSS_ENTROPY = """
def cross_entropy(logits, targets):
    total = 0.0
    for row, target in zip(logits, targets):
        row = row - row.max()
        log_p = row[target] - np.log(np.sum(np.exp(row)))
        total -= log_p / np.log(2)
    return total / len(targets)
"""
GATHERED = """
def cross_entropy(logits, targets):
    n = np.arange(len(targets))
    probabilities = np.exp(logits - logits.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    return -np.log2(probabilities[n, targets]).mean()
"""

RIGHT = {
    "00.1": [
        written(VECTORISED),
        written("def softmax(logits): return np.exp(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True))"),
        written("""
def softmax(logits):
    powers = np.exp2((logits - logits.max(1)[:, None]).astype(np.float32) * np.float32(np.log2(np.e)))
    return powers / powers.sum(1)[:, None]
"""),
        written(SOFTMAX),
    ],
    "00.2": [
        written(CROSS_ENTROPY),
        written("""
def cross_entropy(logits, targets):
    log_p = logits - np.logaddexp.reduce(logits, axis=1)[:, None]
    return -np.mean(np.take_along_axis(log_p, targets[:, None], 1)) * np.log2(np.e)
"""),
        written("""
def cross_entropy(logits, targets):
    gaps = logits - np.take_along_axis(logits, targets[:, None], 1)
    largest = gaps.max(1)
    return float(np.mean(largest + np.log(np.exp(gaps - largest[:, None]).sum(1))) / np.log(2))
"""),
    ],
}
WRONG = {
    "00.1": {
        "softmax over the columns": changed(VECTORISED, ("axis=1", "axis=0")),
        "one sum for the whole array": changed(
            VECTORISED, ("e.sum(axis=1, keepdims=True)", "np.sum(e)"), ("logits.max(axis=1, keepdims=True)", "np.max(logits)")
        ),
        "not divided by the sum": changed(SOFTMAX, (" / sum(powers)", "")),
        "only the exponential": changed(SOFTMAX, ("powers / sum(powers)", "np.exp(np.minimum(row, 700))")),
        "divided without the exponential": changed(SOFTMAX, ("np.exp(row - max(row))", "row")),
        "powers of 2": changed(SOFTMAX, ("np.exp(row - max(row))", "2 ** (row - max(row))")),
        "a sigmoid of each logit": written("def softmax(logits): return 0.5 * (1 + np.tanh(logits / 2))"),
        "the largest of each column subtracted": changed(
            VECTORISED, ("logits.max(axis=1, keepdims=True)", "logits.max(axis=0)")
        ),
        "one maximum for the whole array": changed(SOFTMAX, ("max(row)", "np.max(logits)")),
        "overflow": changed(SOFTMAX, (" - max(row)", "")),
    },
    "00.2": {
        "nats instead of bits": changed(CROSS_ENTROPY, (" / np.log(2)", "")),
        "divided by log 2 once too often": changed(
            GATHERED, (".mean()", ".mean() / np.log(2)"), ("[n, targets])", "[n, targets] + 1e-300)")
        ),
        "sum instead of mean": changed(CROSS_ENTROPY, (" / len(targets)", "")),
        "mean over all classes": changed(CROSS_ENTROPY, ("len(targets)", "logits.size")),
        "sign": changed(CROSS_ENTROPY, ("total -=", "total +=")),
        "logarithm of the mean": changed(
            GATHERED, ("np.log2(probabilities[n, targets]).mean()", "np.log2(probabilities[n, targets].mean())")
        ),
        "entropy of the prediction": changed(
            GATHERED, ("np.log2(probabilities[n, targets]).mean()", "(probabilities * np.log2(probabilities)).sum(1).mean()")
        ),
        "the most likely class in place of the target": changed(GATHERED, ("[n, targets]", ".max(1)")),
        "logits taken for log-probabilities": changed(
            CROSS_ENTROPY,
            ("log_p = row[target] - np.log(np.sum(np.exp(row)))", "log_p = row[target]"),
            ("row = row - row.max()", "pass"),
        ),
        "perplexity": changed(CROSS_ENTROPY, ("return total / len(targets)", "return 2.0 ** (total / len(targets))")),
        "a small number added inside the logarithm": changed(GATHERED, ("[n, targets])", "[n, targets] + 1e-10)")),
        "overflow": written(GATHERED),
    },
}

SLOPPY = {  # no misconception of the list, but wrong
    "00.1": {
        "the input itself": written("def softmax(logits): return logits"),
        "uniform": written("def softmax(logits): return np.full(logits.shape, 1 / logits.shape[1])"),
        "one hot": written("def softmax(logits): return np.eye(logits.shape[1])[logits.argmax(1)]"),
        "one row only": changed(
            VECTORISED, ("return e / e.sum(axis=1, keepdims=True)", "return (e / e.sum(axis=1, keepdims=True))[:1]")
        ),
        "logarithm": written("def softmax(logits): return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)"),
        "first row normalises all": changed(VECTORISED, ("e.sum(axis=1, keepdims=True)", "e[0].sum()")),
        "clipped to 50": written(
            "def softmax(x):\n    e = np.exp(np.clip(x, -50, 50))\n    return e / e.sum(1, keepdims=True)"
        ),
        "a small number added below": changed(
            VECTORISED, ("return e / e.sum(axis=1, keepdims=True)", "return e / (e.sum(axis=1, keepdims=True) + 1e-2)")
        ),
        "rounded": changed(
            VECTORISED, ("return e / e.sum(axis=1, keepdims=True)", "return np.round(e / e.sum(axis=1, keepdims=True), 2)")
        ),
        "percent": changed(VECTORISED, ("return e /", "return 100 * e /")),
        "absolute logits": changed(
            VECTORISED, ("    logits = logits - logits.max", "    logits = abs(logits)\n    logits = logits - logits.max")
        ),
        "the minimum subtracted": changed(
            VECTORISED, ("logits.max", "logits.min"), ("np.exp(logits)", "np.exp(np.minimum(logits, 3))")
        ),
        "the last row left out": changed(SOFTMAX, ("enumerate(logits)", "enumerate(logits[:-1])")),
        "wrong for one row": changed(VECTORISED, ("    logits =", "    if len(logits) == 1: return logits\n    logits =")),
        "five columns": written(
            "def softmax(x):\n    e = np.exp(x[:, :5] - x.max(1, keepdims=True))\n    return e / e.sum(1, keepdims=True)"
        ),
        "a tensor": written("def softmax(logits): return torch.tensor(logits).softmax(-1)"),
        "half precision": changed(VECTORISED, ("e = np.exp(logits)", "e = np.exp(logits).astype(np.float16)")),
        "moderate logits only": written("def softmax(x):\n    e = np.exp(x - x[:, :1])\n    return e / e.sum(0)"),
    },
    "00.2": {
        "zero": written("def cross_entropy(logits, targets): return 0.0"),
        "each row's bits": changed(
            CROSS_ENTROPY, ("return total / len(targets)", "return np.full(len(targets), total / len(targets))")
        ),
        "first row only": changed(CROSS_ENTROPY, ("zip(logits, targets)", "zip(logits[:1], targets)"), ("len(targets)", "1")),
        "last row left out": changed(CROSS_ENTROPY, ("zip(logits, targets)", "zip(logits[:-1], targets)")),
        "divided by one less": changed(CROSS_ENTROPY, ("/ len(targets)", "/ (len(targets) - 1)")),
        "targets one off": changed(CROSS_ENTROPY, ("row[target]", "row[target - 1]")),
        "over the columns": changed(GATHERED, ("(1, ", "(0, ")),
        "base 10": changed(CROSS_ENTROPY, ("np.log(2)", "np.log(10)")),
        "the median": changed(
            GATHERED, ("-np.log2(probabilities[n, targets]).mean()", "-np.median(np.log2(probabilities[n, targets] + 1e-300))")
        ),
        "rounded to whole bits": changed(
            CROSS_ENTROPY, ("return total / len(targets)", "return float(round(total / len(targets)))")
        ),
        "an int": changed(CROSS_ENTROPY, ("return total / len(targets)", "return int(total / len(targets))")),
        "one minus the weight": changed(
            GATHERED, ("-np.log2(probabilities[n, targets]).mean()", "(1 - probabilities[n, targets]).mean()")
        ),
        "squared error": changed(
            GATHERED, ("-np.log2(probabilities[n, targets]).mean()", "((1 - probabilities[n, targets])**2).mean()")
        ),
        "capped": changed(CROSS_ENTROPY, ("return total / len(targets)", "return min(total / len(targets), 100.0)")),
        "shape (1,)": changed(CROSS_ENTROPY, ("return total / len(targets)", "return np.array([total / len(targets)])")),
        "first targets": changed(GATHERED, ("[n, targets]", "[n, targets[0]]"), ("np.log2(", "np.log2(1e-300 + ")),
        "log of one plus": changed(CROSS_ENTROPY, ("np.log(np.sum(np.exp(row)))", "np.log1p(np.sum(np.exp(row)))")),
        "binary": changed(
            GATHERED,
            ("-np.log2(probabilities[n, targets]).mean()", "-np.log2(1e-300 + 1 / (1 + np.exp(-logits[n, targets]))).mean()"),
        ),
    },
}
