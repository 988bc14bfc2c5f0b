"""The grammar: noun phrases, verbs and clauses, built in English and in French at once from the parts that they are given.

Nothing is drawn at random here. Left out: relative clauses, the past of the passive, the subjunctive, reflexive verbs, and
those whose past takes être.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from utils.data.french.lexicon import ADVERBS, ARTICLE, AVOIR, BE, ETRE, MODALS, NEGATIONS
from utils.data.french.phrases import SILENT, Phrase, Unit, Word, phrase, words
from utils.data.french.words import Adjective, Determiner, Noun, Pronoun, Verb, begins_with_vowel

Inflected = dict[str, list[str]]  # by tense, the forms of its persons
NOTHING = Phrase([], [])


# --- nouns


class Nominal(NamedTuple):
    """A noun phrase or a pronoun, with what verbs and adjectives must know to agree with it."""

    english: list[Word]
    french: list[Word]
    person: int  # the place of its form among a verb's: 0 je, 1 tu, 2 il and elle, 3 ils
    gender: str
    noun: Noun | None = None
    clitic: bool = False  # whether French sets it before the verb

    @property
    def phrase(self) -> Phrase:
        """Its words alone."""
        return Phrase(self.english, self.french)

    @property
    def features(self) -> tuple[str, bool]:
        """What an adjective or a participle agrees with."""
        return self.gender, self.person == 3


def before(form: str, after: list[Word]) -> str:
    """The form that a French word has before others: "beau|bel" is bel before arbre."""
    plain, _, other = form.partition("|")
    return other if other and begins_with_vowel(after[0].text) else plain


def noun_phrase(
    determiner: Determiner | None, noun: Noun, plural: bool = False, adjectives: Sequence[Adjective] = ()
) -> Nominal:
    """The big red house, la grande maison rouge. Adjectives come in the English order; without a determiner, none is said."""
    unit = Unit("N")
    english, french = words(noun.english[plural], unit), words(noun.french[plural], unit)
    features = noun.gender, plural
    for adjective in reversed(adjectives):
        described = Unit(SILENT, (adjective.english, noun.english[0]))
        english = words(adjective.english, described) + english
        if adjective.before:
            french = words(before(adjective.french[features], french), described) + french
        else:
            french = french + words(adjective.french[features], described)
    if determiner:
        determined = Unit(SILENT)
        english = words(determiner.english[plural], determined) + english
        form = before(determiner.french[features], french)
        if form == "des" and unit not in french[0].units:  # des maisons, but de belles maisons
            form = "de"
        french = words(form, determined) + french
    return Nominal(english, french, 3 if plural else 2, noun.gender, noun)


def name(text: str, gender: str) -> Nominal:
    """Anne, who is called so in both languages."""
    return Nominal(*phrase(text, text, "N"), 2, gender)


def pronoun(kind: Pronoun, case: str) -> Nominal:
    """A pronoun as "subject" or "object": she and elle, her and la."""
    return Nominal(*phrase(*getattr(kind, case)), kind.person, kind.gender, clitic=case == "object")


def of(whole: Nominal, part: Nominal) -> Nominal:
    """The zone of control, la zone de contrôle."""
    both = whole.phrase + phrase("of", "de") + part.phrase
    return whole._replace(english=both.english, french=both.french)


def genitive(owner: Nominal, noun: Noun, adjectives: Sequence[Adjective] = ()) -> Nominal:
    """The king 's house, la maison de le roi."""
    owned, mark = noun_phrase(None, noun, False, adjectives), Unit()
    english = owner.english + words("'s", mark) + owned.english
    article = words(ARTICLE.french[owned.features], mark)
    return owned._replace(english=english, french=article + owned.french + words("de", mark) + owner.french)


# --- verbs


class Group(NamedTuple):
    """A verb as a clause spreads it out: in both languages, an auxiliary may part from what follows."""

    auxiliary: list[Word]  # English, what a question begins with
    main: list[Word]
    finite: list[Word]  # French, what ne .. pas stands around
    rest: list[Word]
    early: bool = True  # whether a clitic stands before the finite verb: elle l' a vu, but elle va le voir


def acting(verb: Verb, unit: Unit, tense: str, subject: Nominal, clitic: Nominal | None, do: bool) -> Group:
    """She sees, saw; elle voit, a vu. `do`: whether English needs it, to ask or to deny, where there is no other auxiliary.

    The participle agrees with an object before it: je l' ai vue.
    """
    helper = Unit() if do else unit
    base, with_s, past, _ = verb.english
    third = subject.person == 2
    if tense == "past":
        auxiliary, main = ("did", base) if do else ("", past)
        finite = words(AVOIR["present"][subject.person], helper)
        rest = words(verb.participle[clitic.features if clitic else ("m", False)], unit)
    else:
        auxiliary, main = ("does" if third else "do", base) if do else ("", with_s if third else base)
        finite, rest = words(verb.french[subject.person], *{helper: 0, unit: 0}), []
    return Group(words(auxiliary, helper), words(main, unit), finite, rest)


def able(verb: Verb, unit: Unit, modal: str, subject: Nominal) -> Group:
    """Can see, peut voir; must see, doit voir; is going to see, va voir."""
    first, second = Unit(), Unit()
    form, infinitive = MODALS[modal][subject.person], words(verb.infinitive, unit)
    main = words(verb.english[0], unit)
    if modal == "going to":
        auxiliary = words(BE["present"][subject.person], first)
        return Group(auxiliary, words(modal, second) + main, words(form, first, second), infinitive, early=False)
    return Group(words(modal, first), main, words(form, first), infinitive, early=False)


def being(subject: Nominal, tense: str, french: Inflected) -> Group:
    """Is, was; est, était with ETRE, a, avait with AVOIR."""
    unit = Unit()
    return Group(words(BE[tense][subject.person], unit), [], words(french[tense][subject.person], unit), [])


def undergoing(verb: Verb, subject: Nominal) -> Group:
    """Is seen, est vu. The participle agrees with the subject."""
    group, unit = being(subject, "present", ETRE), Unit("V", combination(verb, subject))
    return group._replace(main=words(verb.english[3], unit), rest=words(verb.participle[subject.features], unit))


def combination(verb: Verb, object: Nominal | None) -> tuple[str, str] | None:
    """What the unit of a verb remembers of its object."""
    return (verb.lemma, object.noun.english[0]) if object and object.noun else None


# --- clauses


def assemble(
    subject: Nominal,
    group: Group,
    clitic: Sequence[Word] = (),
    after: Phrase = NOTHING,
    adverb: str = "",
    asked: Phrase | None = None,
) -> Phrase:
    """A clause from its parts; `asked`, which may be NOTHING, makes it a question with est-ce que.

    She does not see it, elle ne le voit pas. Why does she see it, pourquoi est-ce qu' elle le voit.
    """
    said = Unit()
    ne, pas = words("ne" if adverb in NEGATIONS else "", said), words(ADVERBS.get(adverb, ""), said)
    main = words(adverb, said) + group.main + after.english
    early, late = (clitic, []) if group.early else ([], clitic)
    verb = [*ne, *early, *group.finite, *pas, *late, *group.rest]
    french = subject.french + verb + after.french
    if asked is None:
        return Phrase(subject.english + group.auxiliary + main, french)
    opening = words("est-ce que", *group.auxiliary[0].units)
    return Phrase(asked.english + group.auxiliary + subject.english + main, asked.french + opening + french)


def complement(verb: Verb, unit: Unit, object: Nominal | None) -> tuple[list[Word], Phrase]:
    """What a verb has with it: the French clitic, and what follows the verb. Looks up the word, looks it up, looks at it."""
    at, up = words(verb.preposition, unit), words(verb.particle, unit)
    if object is None:
        return [], NOTHING
    if object.clitic:
        return object.french, Phrase(at + object.english + up, [])
    return [], Phrase(up + at + object.english, object.french)


def clause(
    subject: Nominal,
    verb: Verb,
    object: Nominal | None = None,
    *,
    tense: str = "present",
    adverb: str = "",
    asked: Phrase | None = None,
) -> Phrase:
    """Someone does something: i love you, je t' aime."""
    unit = Unit("V", combination(verb, object))
    clitic, after = complement(verb, unit, object)
    if tense in MODALS:
        group = able(verb, unit, tense, subject)
    else:
        group = acting(verb, unit, tense, subject, object if clitic else None, asked is not None or adverb == "not")
    return assemble(subject, group, clitic, after, adverb, asked)


def command(verb: Verb, object: Nominal, denied: bool = False) -> Phrase:
    """Look it up, cherchez-le; do not look it up, ne le cherchez pas."""
    unit, do, deny = Unit("V", combination(verb, object)), Unit(), Unit()
    clitic, after = complement(verb, unit, object)
    english, form = words(verb.english[0], unit) + after.english, verb.french[4]
    if denied:
        french = words("ne", deny) + clitic + words(form, do, unit) + words("pas", deny)
        return Phrase(words("do", do) + words("not", deny) + english, french + after.french)
    behind = [Word("-" + {"me": "moi"}.get(word.text, word.text), word.units) for word in clitic]
    return Phrase(english, words(form, unit) + behind + after.french)


def agreeing(adjective: Adjective, subject: Nominal) -> Phrase:
    """An adjective that is said of a subject: old, vieille."""
    unit = Unit("A", (adjective.english, subject.noun.english[0]) if subject.noun else None)
    return Phrase(words(adjective.english, unit), words(adjective.french[subject.features].partition("|")[0], unit))


def copula(
    subject: Nominal, after: Phrase, tense: str, adverb: str = "", asked: Phrase | None = None, *, verb: Inflected = ETRE
) -> Phrase:
    """She is old, elle est vieille; with AVOIR for the French verb, she is hungry, elle a faim."""
    return assemble(subject, being(subject, tense, verb), after=after, adverb=adverb, asked=asked)


def passive(subject: Nominal, verb: Verb, agent: Nominal, adverb: str = "", asked: Phrase | None = None) -> Phrase:
    """The book is seen by the girl, le livre est vu par la fille."""
    after = phrase("by", "par") + agent.phrase
    return assemble(subject, undergoing(verb, subject), after=after, adverb=adverb, asked=asked)


def aligned(entry: str, values: Mapping[str, tuple[str, str]]) -> Phrase:
    """A fixed phrase linked word by word: "# days ago = il y a # jours = 3 3 3 1 2", with what stands for # in both languages.

    The numbers give the English word, counted from 1, that each French word is linked with.
    """
    english, french, places = (side.split() for side in entry.split("="))
    units = [Unit(word if word in values else "") for word in english]
    said = [Word(values.get(word, (word,))[0], (unit,)) for word, unit in zip(english, units)]
    dit = [Word(values.get(word, (word,))[-1], (units[int(place) - 1],)) for word, place in zip(french, places)]
    return Phrase(said, dit)
