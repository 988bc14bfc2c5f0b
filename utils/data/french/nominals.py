"""Noun phrases and pronouns, in English and in French at once: the big red house, la grande maison rouge.

Nothing is drawn at random here. Left out: what they do in a clause.
"""

from collections.abc import Sequence
from typing import NamedTuple

from utils.data.french.lexicon import DETERMINERS
from utils.data.french.phrases import SILENT, Phrase, Unit, Word, phrase, words
from utils.data.french.words import Adjective, Determiner, Noun, Pronoun, begins_with_vowel


class Nominal(NamedTuple):
    """A noun phrase or a pronoun, with what verbs and adjectives must know to agree with it."""

    english: list[Word]
    french: list[Word]
    person: int  # the place of its form among a verb's: 0 je, 1 tu, 2 il and elle, 3 ils and elles
    gender: str
    noun: Noun | None = None
    clitic: bool = False  # whether French sets it before the verb

    @property
    def phrase(self) -> Phrase:
        """Its words alone."""
        return Phrase(self.english, self.french)

    def followed_by(self, other: Phrase) -> "Nominal":
        """The same with more words behind."""
        return self._replace(english=self.english + other.english, french=self.french + other.french)


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
    """A pronoun as "subject", "object" or "dative": she and elle, her and la, her and lui."""
    return Nominal(*phrase(*getattr(kind, case)), kind.person, kind.gender, clitic=case != "subject")


def of(whole: Nominal, part: Nominal) -> Nominal:
    """The zone of control, la zone de contrôle."""
    return whole.followed_by(phrase("of", "de") + part.phrase)


def genitive(owner: Nominal, noun: Noun, plural: bool = False, adjectives: Sequence[Adjective] = ()) -> Nominal:
    """The king 's house, la maison de le roi; the kings ' house."""
    owned = noun_phrase(None, noun, plural, adjectives)
    mark, ends_in_s = Unit(), owner.person == 3 and owner.english[-1].text.endswith("s")
    article = words(DETERMINERS["the"].french[noun.gender, plural], mark)
    return owned._replace(
        english=owner.english + words("'" if ends_in_s else "'s", mark) + owned.english,
        french=article + owned.french + words("de", mark) + owner.french,
    )


def who(head: Nominal) -> Nominal:
    """The relative pronoun as a subject, which agrees with what it stands behind: les filles qui courent."""
    return head._replace(english=words("who", unit := Unit()), french=words("qui", unit))


def gap(head: Nominal) -> Nominal:
    """The place of an object that that, what or who has moved to the front: no words, but participles agree with it."""
    return head._replace(english=[], french=[])
