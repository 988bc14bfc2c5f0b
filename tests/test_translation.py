"""The translation task: encoding, batches, training on it, and scores that do not depend on how they are batched."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from utils import training, translation
from utils.alignment import best_links
from utils.attention.additive import AdditiveAttention
from utils.attention.translator import AttentionTranslator
from utils.data.french.pairs import textbook
from utils.data.french.splits import Split
from utils.metrics import alignment_score
from utils.translation import END, SPECIAL, START, alignment_error, alignments, corpus_of, right, spelled, train, translate


@pytest.fixture(scope="module")
def corpus():
    return translation.english_french(300, longest=6)


@pytest.fixture(scope="module")
def learnt():
    """A model that has learnt the textbook by heart, and its corpus."""
    corpus = corpus_of(Split(textbook() * 30, textbook(), textbook()))
    training.seed(0)
    V = len(corpus.source), len(corpus.target)
    model = AttentionTranslator(*V, 16, 24, AdditiveAttention(24, 48, 16), start=START, end=END)
    history = train(model, corpus, steps=80, seed=0)
    assert history.loss[-1] < 0.1 < history.loss[0]
    return model, corpus


def test_parts_and_vocabularies(corpus):
    assert [len(part) for part in corpus.split] == [270, 15, 15]
    assert corpus.source.tokens[:3] == corpus.target.tokens[:3] == SPECIAL
    assert {word for part in corpus.split for pair in part for word in pair.french} == set(corpus.target.tokens[3:])
    assert corpus.source.tokens[3:] == sorted(corpus.source.tokens[3:])


def test_encoded_targets_end_and_sources_do_not(corpus):
    chosen = corpus.split.test
    (sources, source_lengths), (targets, target_lengths) = corpus.encode(chosen)
    for pair, source, m, target, n in zip(chosen, sources, source_lengths, targets, target_lengths):
        assert tuple(corpus.source.decode(source[:m])) == pair.english
        assert tuple(corpus.target.decode(target[:n])) == (*pair.french, "<end>")
        assert not source[m:].any() and not target[n:].any()


def test_batches_show_the_training_pairs_and_no_others(corpus):
    train_pairs = {(pair.english, pair.french) for pair in corpus.split.train}
    seen = set()
    for _, batch in zip(range(5), corpus.batches(seed=1)):  # 270 pairs are 5 batches
        for source, m, target, n in zip(*batch):
            seen.add((tuple(corpus.source.decode(source[:m])), tuple(corpus.target.decode(target[: n - 1]))))
    assert seen == train_pairs


def test_what_was_learnt_is_translated(learnt):
    model, corpus = learnt
    found = translate(model, corpus, textbook())
    assert found == [pair.french for pair in textbook()]
    assert right(found, textbook()).all()
    assert not right([found[1], found[0], found[2][:-1]], textbook()).any()
    assert translate(model, corpus, textbook(), longest=2) == [pair.french[:2] for pair in textbook()]


def test_scores_do_not_depend_on_the_batch(learnt, monkeypatch):
    model, corpus = learnt
    together = alignments(model, corpus, textbook()), translate(model, corpus, textbook())
    monkeypatch.setattr(translation, "AT_ONCE", 1)
    alone = alignments(model, corpus, textbook()), translate(model, corpus, textbook())
    assert alone[1] == together[1]
    for pair, one, other in zip(textbook(), together[0], alone[0]):
        assert one.shape == (len(pair.french), len(pair.english))
        np.testing.assert_allclose(one, other, atol=1e-6)
        np.testing.assert_allclose(one.sum(1), 1, atol=1e-6)


def test_a_model_is_left_in_the_mode_it_was_in(learnt):
    model, corpus = learnt
    seen = []
    hook = model.readout.register_forward_hook(lambda module, *_: seen.append(module.training))
    for mode in (True, False):
        model.train(mode)
        translate(model, corpus, textbook())
        assert model.training is mode
    hook.remove()
    assert seen and not any(seen)


def test_training_is_the_same_again(corpus):
    def trained(seed):
        training.seed(0)
        model = AttentionTranslator(len(corpus.source), len(corpus.target), 4, 5, None, start=START, end=END)
        train(model, corpus, steps=3, seed=seed)
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    assert torch.equal(trained(1), trained(1))
    assert not torch.equal(trained(1), trained(2))


def test_alignment_error_knows_what_is_only_possible():
    (pair,) = [replace(textbook()[0], french=("ne", "t'", "aime"))]  # ne, at the place of je, is not sure
    assert pair.sure == {(2, 1), (1, 2)} and pair.links == {(0, 0), (2, 1), (1, 2)}
    found = best_links(np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]]))
    assert alignment_error([found], [pair]) == 0
    assert alignment_error([found - {(0, 0)}], [pair]) == 0
    assert alignment_error([found - {(2, 1)}], [pair]) == alignment_score([found - {(2, 1)}], [pair.sure], [pair.links])[0] > 0


def test_spelled_pairs_are_characters():
    pair = spelled(textbook()[0])
    assert "".join(pair.english) == "i love you" and pair.french[:5] == ("j", "e", " ", "t", "'")
    assert not pair.links
