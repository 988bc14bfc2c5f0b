"""How well a model translates or describes: BLEU, from its definition and through sacrebleu, exact match, alignment error rate.

A sentence is a list of tokens, or a string that blanks cut into tokens; nothing is lower-cased, split or joined beyond that,
but for `bleu_of_text`, which takes sentences as people write them.
Left out: metrics with a model inside, and those of characters.
"""

import math
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from sacrebleu.metrics.bleu import BLEU

Sentence = str | Sequence[str]
Links = AbstractSet[tuple[int, int]]  # (place in the source, place in the target), both from 0
ORDER = 4  # BLEU looks at n-grams of 1 to 4 tokens


def clipped_matches(hypothesis: Sentence, references: Sequence[Sentence], n: int) -> tuple[int, int]:
    """How many n-grams of the hypothesis stand in a reference, and how many it has (Papineni et al. 2002, section 2.1).

    An n-gram matches as often as it occurs in the reference that has it most often, no more: of "the the the" against
    "the cat", one word matches.
    """
    if isinstance(references, str):
        raise TypeError("references is one string; expected a list of sentences")
    if n < 1:
        raise ValueError(f"n is {n}; expected at least 1 token")
    found = _ngrams(_tokens(hypothesis), n)
    allowed = Counter()
    for reference in references:
        allowed |= _ngrams(_tokens(reference), n)  # the larger count of each
    return (found & allowed).total(), found.total()  # the smaller count of each


def brevity_penalty(length: int, reference: int) -> float:
    """1 from the reference's length on, exp(1 - reference / length) for less (Papineni et al. 2002, section 2.2)."""
    if length >= reference:
        return 1.0
    return math.exp(1 - reference / length) if length else 0.0


def bleu_by_definition(hypotheses: Sequence[Sentence], *references: Sequence[Sentence]) -> float:
    """100 * brevity penalty * geometric mean of the clipped precisions of 1- to 4-grams (Papineni et al. 2002, section 2.3).

    Matches and lengths are summed over the corpus first; the length that counts is that of the nearest reference, of equals
    the shorter. Two cases the paper leaves open are settled as in sacrebleu. Precisions of 0: the first counts as half a
    match, the second as a quarter ... ("exp", the rule of NIST's mteval-v13a), unless nothing matches at all, which is 0.
    Orders that no hypothesis is long enough for are left out of the mean ("effective order").
    """
    groups = _groups(hypotheses, references)
    length = sum(len(hypothesis) for hypothesis, _ in groups)
    nearest = sum(min((abs(len(one) - len(hypothesis)), len(one)) for one in ones)[1] for hypothesis, ones in groups)
    logs, share = [], 1.0
    for n in range(1, ORDER + 1):
        matches, total = map(sum, zip(*(clipped_matches(hypothesis, ones, n) for hypothesis, ones in groups)))
        if matches == 0 and n == 1:
            return 0.0
        if total == 0:
            break
        if matches == 0:
            share /= 2
        logs.append(math.log((matches or share) / total))
    return 100 * brevity_penalty(length, nearest) * math.exp(sum(logs) / len(logs))


def bleu(hypotheses: Sequence[Sentence], *references: Sequence[Sentence]) -> float:
    """BLEU of a corpus from 0 to 100, by sacrebleu (Post 2018): bleu(found, gold), or bleu(found, first, second ...).

    Each further argument holds one reference for each hypothesis. The settings (`bleu_signature`) are sacrebleu's own but for
    two: our tokens stay as they are, and the order is the effective one. Where any hypothesis has four tokens, that changes
    nothing; where none has, "je t' aime" for "je t' aime" is worth 100, not 0.
    """
    return _sacrebleu(hypotheses, references)[0]


def bleu_signature(references: int = 1) -> str:
    """sacrebleu's line on how `bleu` is computed, to be printed beside a score, with the number of references."""
    return _sacrebleu(["a"], [["a"]] * references)[1]


def bleu_of_text(hypotheses: Sequence[str], *references: Sequence[str]) -> tuple[float, str]:
    """BLEU of sentences as people write them, in lower case or not -> 0 to 100, and sacrebleu's line on how it was computed.

    sacrebleu cuts both sides into words itself, by the rules of NIST's mteval-v13a: so models with different tokens can be
    compared. All its settings are its own, but case does not count.
    """
    for name, lines in _named_columns(hypotheses, references):
        if odd := [type(line).__name__ for line in lines if not isinstance(line, str)]:
            raise TypeError(f"{name} holds a {odd[0]}; expected strings")
    metric = BLEU(tokenize="13a", lowercase=True)
    return float(metric.corpus_score(hypotheses, references).score), str(metric.get_signature())


def exact_match(hypotheses: Sequence[Sentence], references: Sequence[Sentence]) -> float:
    """The share of hypotheses that equal their reference token by token, 0 to 1."""
    groups = _groups(hypotheses, [references])
    return sum(hypothesis == reference for hypothesis, [reference] in groups) / len(groups)


class AlignmentScore(NamedTuple):
    """How well found links agree with gold ones (Och and Ney 2003), each from 0 to 1."""

    error_rate: float  # 1 - (sure ones found + found ones possible) / (found + sure)
    precision: float  # the share of found links that are possible: 1 where none is found
    recall: float  # the share of sure links that are found


def alignment_score(found: Sequence[Links], sure: Sequence[Links], possible: Sequence[Links] | None = None) -> AlignmentScore:
    """Compare the links of each sentence pair with the gold ones, the counts summed over all pairs.

    An annotator is `sure` of some links, and calls others possible: these are right if found, and not missed if not. Sure
    links are possible too. Without `possible`, all gold links are sure, and the error rate is 1 - F1.
    """
    possible = sure if possible is None else possible
    for name, links in {"found": found, "sure": sure, "possible": possible}.items():
        if len(links) != len(found):
            raise ValueError(f"{name} has {len(links)} sets of links; expected {len(found)}, one for each of found")
        if odd := [type(one).__name__ for one in links if not isinstance(one, AbstractSet)]:
            raise TypeError(f"{name} holds a {odd[0]}; expected a set of links for each sentence pair")
    for number, (one, other) in enumerate(zip(sure, possible)):
        if not one <= other:
            raise ValueError(f"possible[{number}] lacks {min(one - other)}; expected every sure link to be possible")
    A, S = sum(map(len, found)), sum(map(len, sure))
    if S == 0:
        raise ValueError("sure holds no link; expected at least one in the corpus")
    A_and_S = sum(len(one & other) for one, other in zip(found, sure))
    A_and_P = sum(len(one & other) for one, other in zip(found, possible))
    return AlignmentScore(1 - (A_and_S + A_and_P) / (A + S), A_and_P / A if A else 1.0, A_and_S / S)


def _ngrams(tokens: Sequence[str], n: int) -> Counter:
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def _tokens(sentence: Sentence) -> list[str]:
    return sentence.split() if isinstance(sentence, str) else list(sentence)


def _sacrebleu(hypotheses: Sequence[Sentence], references: Sequence[Sequence[Sentence]]) -> tuple[float, str]:
    """The score, and sacrebleu's signature. `force` silences its warning that the text is tokenised: it is meant to be."""
    groups = _groups(hypotheses, references)
    lines = [[" ".join(tokens) for tokens in (hypothesis, *ones)] for hypothesis, ones in groups]
    found, *streams = map(list, zip(*lines))
    metric = BLEU(tokenize="none", smooth_method="exp", effective_order=True, max_ngram_order=ORDER, force=True)
    return float(metric.corpus_score(found, streams).score), str(metric.get_signature())


def _groups(
    hypotheses: Sequence[Sentence], references: Sequence[Sequence[Sentence]]
) -> list[tuple[list[str], list[list[str]]]]:
    """Each hypothesis with its references, all as tokens that sacrebleu would cut alike."""
    columns = []
    for name, sentences in _named_columns(hypotheses, references):
        columns.append([_tokens(sentence) for sentence in sentences])
        for number, tokens in enumerate(columns[-1]):
            if odd := [token for token in tokens if not isinstance(token, str) or token.split() != [token]]:
                raise ValueError(f"{name}[{number}] has the token {odd[0]!r}; expected strings, not empty and without blanks")
    return [(hypothesis, list(ones)) for hypothesis, *ones in zip(*columns)]


def _named_columns(hypotheses: Sequence, references: Sequence[Sequence]) -> list[tuple[str, Sequence]]:
    """Hypotheses and each list of references with its name in messages, once all are lists of the same length."""
    if not references:
        raise ValueError("references are missing; expected at least one list of them after hypotheses")
    columns = [("hypotheses", hypotheses), *((f"references[{i}]", one) for i, one in enumerate(references))]
    for name, sentences in columns:
        if isinstance(sentences, str):
            raise TypeError(f"{name} is one string; expected a list of sentences")
        if len(sentences) != len(hypotheses) or len(sentences) == 0:
            expected = f"{len(hypotheses)}, one for each hypothesis" if len(hypotheses) else "at least one"
            raise ValueError(f"{name} has {len(sentences)} sentences; expected {expected}")
    return columns
