"""Verbs in their tenses, in English and in French at once, spread out for a clause to take them apart.

Left out: the subjunctive, the imperfect of all verbs but être and avoir, and reflexive verbs.
"""

from typing import NamedTuple

from utils.data.french.lexicon import AVOIR, BE, ETRE, MODALS, WANT
from utils.data.french.nominals import Nominal
from utils.data.french.phrases import Unit, Word, words
from utils.data.french.words import Verb

Inflected = dict[str, list[str]]  # by tense, the forms of its persons


class Group(NamedTuple):
    """A verb as a clause spreads it out: in both languages, an auxiliary may part from what follows."""

    auxiliary: list[Word]  # English, what a question begins with
    main: list[Word]
    finite: list[Word]  # French, what ne .. pas stands around
    rest: list[Word]
    early: bool = True  # whether clitics stand before the finite verb: elle l' a vu, but elle va le voir


def acting(verb: Verb, unit: Unit, tense: str, subject: Nominal, moved: Nominal | None, do: bool) -> Group:
    """She sees, saw, can see, wants to see; elle voit, a vu, peut voir, veut voir.

    `do`: whether English needs it, to ask or to deny, where there is no other auxiliary. `moved` is an object that French
    sets before the verb.
    """
    if tense == "want to":
        return wanting(verb, unit, subject, do)
    if tense in MODALS:
        return able(verb, unit, tense, subject)
    helper = Unit() if do else unit
    base, with_s, past, _ = verb.english
    if tense == "past":
        auxiliary, main = ("did", base) if do else ("", past)
        finite, rest = perfect(verb, unit, helper, subject, moved)
    else:
        third = subject.person == 2
        auxiliary, main = ("does" if third else "do", base) if do else ("", with_s if third else base)
        finite, rest = words(verb.french[subject.person], *{helper: 0, unit: 0}), []
    return Group(words(auxiliary, helper), words(main, unit), finite, rest + words(verb.tail, unit))


def perfect(verb: Verb, unit: Unit, helper: Unit, subject: Nominal, moved: Nominal | None) -> tuple[list[Word], list[Word]]:
    """Saw, a vu. The participle agrees with the subject after être, and after avoir with an object before it: je l' ai vue."""
    agrees = subject if verb.etre else moved
    participle = verb.participle[(agrees.gender, agrees.person == 3) if agrees else ("m", False)]
    return words((ETRE if verb.etre else AVOIR)["present"][subject.person], helper), words(participle, unit)


def able(verb: Verb, unit: Unit, tense: str, subject: Nominal) -> Group:
    """Can see, peut voir; must see, doit voir; is going to see, va voir."""
    first, second = Unit(), Unit()
    form, infinitive = MODALS[tense][subject.person], words(f"{verb.infinitive} {verb.tail}", unit)
    main = words(verb.english[0], unit)
    if tense == "going to":
        auxiliary = words(BE["present"][subject.person], first)
        return Group(auxiliary, words(tense, second) + main, words(form, first, second), infinitive, early=False)
    return Group(words(tense, first), main, words(form, first), infinitive, early=False)


def wanting(verb: Verb, unit: Unit, subject: Nominal, do: bool) -> Group:
    """Wants to see, veut voir."""
    want = Unit()
    auxiliary, main, finite, _, _ = acting(WANT, want, "present", subject, None, do)
    main = main + words("to", want) + words(verb.english[0], unit)
    return Group(auxiliary, main, finite, words(f"{verb.infinitive} {verb.tail}", unit), early=False)


def being(subject: Nominal, tense: str, french: Inflected = ETRE) -> Group:
    """Is, was; est, était (or a, avait, if `french` is AVOIR)."""
    unit = Unit()
    return Group(words(BE[tense][subject.person], unit), [], words(french[tense][subject.person], unit), [])


def undergoing(verb: Verb, tense: str, subject: Nominal) -> Group:
    """Is seen, est vu; was seen, a été vu. The participle agrees with the subject."""
    be, unit = Unit(), Unit("V", combination(verb, subject))
    participle = words(verb.participle[subject.gender, subject.person == 3], unit)
    if tense == "past":
        finite, rest = words(AVOIR["present"][subject.person], be), words("été", be) + participle
    else:
        finite, rest = words(ETRE["present"][subject.person], be), participle
    return Group(words(BE[tense][subject.person], be), words(verb.english[3], unit), finite, rest)


def combination(verb: Verb, object: Nominal | None) -> tuple[str, str] | None:
    """What the unit of a verb remembers of its object."""
    return (verb.lemma, object.noun.english[0]) if object and object.noun else None
