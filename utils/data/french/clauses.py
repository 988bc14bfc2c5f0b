"""Clauses, built in English and in French at once from the parts that they are given.

Nothing is drawn at random here. Left out: the sequence of tenses, and questions by inversion (all have est-ce que).
"""

from collections.abc import Mapping, Sequence

from utils.data.french.lexicon import ADVERBS, AVOIR, BE, ETRE, NEGATIONS
from utils.data.french.nominals import Nominal
from utils.data.french.phrases import Phrase, Unit, Word, phrase, words
from utils.data.french.verbs import Group, Inflected, acting, being, combination, undergoing
from utils.data.french.words import Adjective, Verb

NOTHING = Phrase([], [])
RANK = {"me": 0, "te": 0, "le": 1, "la": 1, "les": 1, "lui": 2, "leur": 2}  # clitics before a verb
STRESSED = {"me": "moi", "te": "toi"}  # as they are behind an imperative


def assemble(
    subject: Nominal,
    group: Group,
    clitics: Sequence[Word] = (),
    after: Phrase = NOTHING,
    adverb: str = "",
    asked: Phrase | None = None,
) -> Phrase:
    """A clause from its parts; `asked`, which may be NOTHING, makes it a question with est-ce que.

    She does not see it, elle ne le voit pas. Where does she see it, où est-ce qu' elle le voit.
    """
    said = Unit()
    ne, pas = words("ne" if adverb in NEGATIONS else "", said), words(ADVERBS.get(adverb, ""), said)
    main = words(adverb, said) + group.main + after.english
    if group.early:
        verb = [*ne, *clitics, *group.finite, *pas, *group.rest]
    else:
        verb = [*ne, *group.finite, *pas, *clitics, *group.rest]
    french = subject.french + verb + after.french
    if asked is None:
        return Phrase(subject.english + group.auxiliary + main, french)
    opening = words("est-ce que", *group.auxiliary[0].units)
    return Phrase(asked.english + group.auxiliary + subject.english + main, asked.french + opening + french)


def complements(verb: Verb, unit: Unit, object: Nominal | None, recipient: Nominal | None) -> tuple[list[Word], Phrase]:
    """What a verb has with it: French clitics, and what follows the verb in both languages.

    Looks the word up, looks it up; gives him the book, gives it to him.
    """
    at = Unit() if all(verb.prepositions) else unit
    english, french = (words(preposition, at) for preposition in verb.prepositions)
    particle, clitics = words(verb.particle, unit), []
    if object and object.clitic:
        english, clitics = english + object.english + particle, object.french
    elif object:
        english, french = particle + english + object.english, french + object.french
    if recipient and recipient.clitic:
        clitics = clitics + recipient.french
        to = words("to", *recipient.english[0].units)
        english = english + to + recipient.english if object.clitic else recipient.english + english
    elif recipient:
        to = phrase("to", "à")
        english, french = english + to.english + recipient.english, french + to.french + recipient.french
    return clitics, Phrase(english, french)


def ordered(clitics: list[Word]) -> list[Word]:
    """Clitics as they stand before a verb: me and te before le, la and les before lui and leur."""
    return sorted(clitics, key=lambda word: RANK[word.text])


def clause(
    subject: Nominal,
    verb: Verb,
    object: Nominal | None = None,
    recipient: Nominal | None = None,
    *,
    tense: str = "present",
    adverb: str = "",
    asked: Phrase | None = None,
    more: Phrase = NOTHING,
) -> Phrase:
    """Someone does something: i love you, je t' aime. An object of no words stands where that, what or who has been moved."""
    unit = Unit("V", combination(verb, object))
    moved = object if object and (object.clitic or not object.english) else None
    group = acting(verb, unit, tense, subject, moved, do=asked is not None or adverb == "not")
    clitics, after = complements(verb, unit, object, recipient)
    return assemble(subject, group, ordered(clitics), after + more, adverb, asked)


def command(
    verb: Verb,
    object: Nominal | None = None,
    recipient: Nominal | None = None,
    *,
    denied: bool = False,
    familiar: bool = False,
    more: Phrase = NOTHING,
) -> Phrase:
    """Look it up, cherchez-le; do not look it up, ne le cherchez pas."""
    unit, do, deny = Unit("V", combination(verb, object)), Unit(), Unit()
    clitics, after = complements(verb, unit, object, recipient)
    after = after + more
    english, form = words(verb.english[0], unit) + after.english, verb.french[0 if familiar else 4]
    if denied:
        french = words("ne", deny) + ordered(clitics) + words(form, do, unit) + words("pas", deny)
        return Phrase(words("do", do) + words("not", deny) + english, french + after.french)
    behind = [Word("-" + STRESSED.get(word.text, word.text), word.units) for word in clitics]
    return Phrase(english, words(form, unit) + behind + after.french)


def infinitive(verb: Verb, object: Nominal | None = None, recipient: Nominal | None = None) -> Phrase:
    """Buy it, l' acheter, as in order to buy it, pour l' acheter."""
    unit = Unit("V", combination(verb, object))
    clitics, after = complements(verb, unit, object, recipient)
    french = ordered(clitics) + words(f"{verb.infinitive} {verb.tail}", unit)
    return Phrase(words(verb.english[0], unit) + after.english, french + after.french)


def agreeing(adjective: Adjective, subject: Nominal) -> Phrase:
    """An adjective that is said of a subject: old, vieille."""
    unit = Unit("A", (adjective.english, subject.noun.english[0]) if subject.noun else None)
    form = adjective.french[subject.gender, subject.person == 3].partition("|")[0]
    return Phrase(words(adjective.english, unit), words(form, unit))


def copula(
    subject: Nominal, after: Phrase, tense: str, adverb: str = "", asked: Phrase | None = None, *, verb: Inflected = ETRE
) -> Phrase:
    """She is old, elle est vieille; with AVOIR for the French verb, she is hungry, elle a faim."""
    return assemble(subject, being(subject, tense, verb), after=after, adverb=adverb, asked=asked)


def passive(subject: Nominal, verb: Verb, agent: Nominal, tense: str, adverb: str = "", asked: Phrase | None = None) -> Phrase:
    """The book is read by the girl, le livre est lu par la fille."""
    after = phrase("by", "par") + agent.phrase
    return assemble(subject, undergoing(verb, tense, subject), after=after, adverb=adverb, asked=asked)


def existence(there: Nominal, tense: str, adverb: str = "", asked: Phrase | None = None) -> Phrase:
    """There is a cat, il y a un chat."""
    unit = Unit()
    subject = Nominal(words("there", unit), words("il", unit), 2, "m")
    group = Group(words(BE[tense][there.person], unit), [], words(AVOIR[tense][2], unit), [])
    return assemble(subject, group, words("y", unit), there.phrase, adverb, asked)


def aligned(entry: str, values: Mapping[str, tuple[str, str]]) -> Phrase:
    """A fixed phrase linked word by word: "# days ago = il y a # jours = 3 3 3 1 2", with what stands for # in both languages.

    The numbers give the English word, counted from 1, that each French word is linked with.
    """
    english, french, places = (side.split() for side in entry.split("="))
    units = [Unit(word if word in values else "") for word in english]
    said = [Word(values.get(word, (word,))[0], (unit,)) for word, unit in zip(english, units)]
    dit = [Word(values.get(word, (word,))[-1], (units[int(place) - 1],)) for word, place in zip(french, places)]
    return Phrase(said, dit)
