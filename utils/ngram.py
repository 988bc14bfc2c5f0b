"""Count-based language models: the baseline that every neural one in this book has to beat.

An order-n model predicts a token from the n - 1 before it. Counts of all shorter orders are blended in by Witten and Bell's
rule: the more different tokens have followed a context, the more weight goes to the shorter one.
"""

import numpy as np


class NGram:
    """An interpolated n-gram model over ids 0 .. V - 1 (Witten and Bell 1991, method C).

    p(w | context) = (count(context, w) + kinds(context) * p(w | shorter context)) / (count(context) + kinds(context)),
    where kinds counts the distinct tokens seen after the context. It ends at the uniform distribution, so no token has
    probability 0.
    """

    def __init__(self, ids: np.ndarray, order: int, vocabulary: int) -> None:
        ids = _checked(ids, vocabulary)
        if order < 1:
            raise ValueError(f"order is {order}; expected at least 1 (unigrams)")
        if int(vocabulary) ** order > 2**63:
            raise ValueError(f"order is {order} with a vocabulary of {vocabulary}; an n-gram must fit in 63 bits")
        if len(ids) < order:
            raise ValueError(f"ids holds {len(ids)} tokens; expected at least order = {order}")
        self.order, self.vocabulary = order, vocabulary
        self.tables = []  # for each order: sorted n-gram codes and counts, sorted context codes, their counts and kinds
        for n in range(1, order + 1):
            grams, counts = np.unique(_codes(ids, n, vocabulary), return_counts=True)
            contexts, first = np.unique(grams // vocabulary, return_index=True)
            totals = np.add.reduceat(counts, first)
            kinds = np.diff(np.append(first, len(grams)))
            self.tables.append((grams, counts, contexts, totals, kinds))

    def log2_probabilities(self, ids: np.ndarray) -> np.ndarray:
        """ids (N,) -> log2 p(ids[t] | up to order - 1 ids before it) for each t: (N,). The first ones have shorter contexts."""
        ids = _checked(ids, self.vocabulary)
        p = np.full(len(ids), 1 / self.vocabulary)
        for n, (grams, counts, contexts, totals, kinds) in enumerate(self.tables, start=1):
            codes = _codes(ids, n, self.vocabulary)  # (N - n + 1,): the n-gram that ends at t, from t = n - 1
            count = _look_up(grams, counts, codes)
            total = _look_up(contexts, totals, codes // self.vocabulary)
            kind = _look_up(contexts, kinds, codes // self.vocabulary)
            seen = total > 0  # an unseen context says nothing: the shorter one stands
            blended = (count + kind * p[n - 1 :]) / np.maximum(total + kind, 1)
            p[n - 1 :] = np.where(seen, blended, p[n - 1 :])
        return np.log2(p)

    def bits_per_token(self, ids: np.ndarray) -> float:
        """The cross-entropy on ids in bits per token."""
        return float(-self.log2_probabilities(ids).mean())


def _checked(ids: np.ndarray, vocabulary: int) -> np.ndarray:
    ids = np.asarray(ids)
    if ids.ndim != 1 or ids.size == 0 or not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(f"ids has shape {ids.shape} and dtype {ids.dtype}; expected one non-empty axis of integers")
    if ids.min() < 0 or ids.max() >= vocabulary:
        raise ValueError(f"ids runs from {ids.min()} to {ids.max()}; expected 0 to {vocabulary - 1}")
    return ids.astype(np.int64)


def _codes(ids: np.ndarray, n: int, vocabulary: int) -> np.ndarray:
    """Each n-gram of ids as one number in base `vocabulary`: (N - n + 1,)."""
    codes = np.zeros(max(len(ids) - n + 1, 0), dtype=np.int64)
    for i in range(n):
        codes = codes * vocabulary + ids[i : i + len(codes)]
    return codes


def _look_up(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """values[i] where keys[i] == wanted (keys sorted), 0 where it is not among them."""
    places = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[places] == wanted, values[places], 0)
