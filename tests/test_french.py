"""English to French: both grammars, checked by rules and tables of the test's own, and what the pairs promise."""

import doctest
import re
import sys
from collections import Counter
from dataclasses import replace
from itertools import chain, combinations
from random import Random

import pytest

from utils.data.french import splits
from utils.data.french.draw import Speaker
from utils.data.french.grammar import NOTHING, clause, command, genitive, noun_phrase, of, passive, pronoun
from utils.data.french.lexicon import ARTICLE, SHE, VERBS, I
from utils.data.french.lexicon import NOUNS as LEXICON
from utils.data.french.pairs import crosses, gloss, pairs, textbook, word_for_word, word_table
from utils.data.french.phrases import Pair, pair


@pytest.fixture(scope="module")
def drawn():
    """50,000 draws, most of them short, so that some come twice."""
    rng = Random(8)
    speaker = Speaker(rng)
    return [pair(speaker.sentence(int(rng.triangular(3, 22, 3)))) for _ in range(50_000)]


@pytest.fixture(scope="module")
def distinct(drawn):
    return list({p.english: p for p in drawn}.values())


# --- what a grammar book says

NOUNS = {  # English singular and plural, French singular and plural
    "m": """boy boys garçon garçons, man men homme hommes, king kings roi rois, friend friends ami amis, child children
        enfant enfants, hero heroes héros héros, cat cats chat chats, dog dogs chien chiens, horse horses cheval chevaux,
        bird birds oiseau oiseaux, owl owls hibou hiboux, hat hats chapeau chapeaux, umbrella umbrellas parapluie
        parapluies, tree trees arbre arbres, egg eggs œuf œufs, book books livre livres, word words mot mots,
        garden gardens jardin jardins, hotel hotels hôtel hôtels""",
    "f": """girl girls fille filles, woman women femme femmes, queen queens reine reines, sister sisters sœur sœurs, car cars
        voiture voitures, flower flowers fleur fleurs, apple apples pomme pommes, orange oranges orange oranges, letter
        letters lettre lettres, story stories histoire histoires, house houses maison maisons, school schools école
        écoles, zone zones zone zones, city cities ville villes""",
}
IDEAS = {"m": "control contrôle, trade commerce, art art", "f": "music musique"}
NAMES = {"m": "paul|arthur", "f": "marie|anne"}
BEFORE = """beautiful beau belle beaux belles bel, old vieux vieille vieux vieilles vieil, new nouveau nouvelle nouveaux
    nouvelles nouvel, big grand grande grands grandes, small petit petite petits petites, good bon bonne bons bonnes"""
BEHIND = """red rouge rouge rouges rouges, white blanc blanche blancs blanches, black noir noire noirs noires, blue bleu bleue
    bleus bleues, sad triste triste tristes tristes, happy heureux heureuse heureux heureuses, honest honnête honnête
    honnêtes honnêtes, tired fatigué fatiguée fatigués fatiguées, cold froid froide froids froides, hot chaud chaude chauds
    chaudes, famous célèbre célèbre célèbres célèbres, modern moderne moderne modernes modernes, international
    international internationale internationaux internationales"""
TRANSITIVE = """see sees saw seen voir vois vois voit voient voyez vu vue vus vues,
    love loves loved loved aimer aime aimes aime aiment aimez aimé aimée aimés aimées,
    look_for_up looks looked - chercher cherche cherches cherche cherchent cherchez cherché cherchée cherchés -,
    look_at looks looked - regarder regarde regardes regarde regardent regardez regardé regardée regardés -,
    draw draws drew drawn dessiner dessine dessines dessine dessinent dessinez dessiné dessinée dessinés dessinées,
    wait_for waits waited - attendre attends attends attend attendent attendez attendu attendue attendus -,
    help helps helped helped aider aide aides aide aident aidez aidé aidée aidés aidées,
    buy buys bought bought acheter achète achètes achète achètent achetez acheté achetée achetés achetées,
    lose loses lost lost perdre perds perds perd perdent perdez perdu perdue perdus perdues,
    pick_up picks picked - ramasser ramasse ramasses ramasse ramassent ramassez ramassé - ramassés -,
    eat eats ate eaten manger mange manges mange mangent mangez mangé mangée mangés mangées,
    write writes wrote written écrire écris écris écrit écrivent écrivez écrit écrite écrits écrites,
    build builds built built construire construis construis construit construisent construisez construit construite
    construits construites"""
INTRANSITIVE = """run runs ran - courir cours cours court courent - couru, sing sings sang - chanter chante chantes chante
    chantent - chanté, work works worked - travailler travaille travailles travaille travaillent - travaillé,
    sleep sleeps slept - dormir dors dors dort dorment - dormi"""
ETRE, ETAIT = ["suis", "es", "est", "sont"], ["étais", "étais", "était", "étaient"]
AVOIR, AVAIT = ["ai", "as", "a", "ont"], ["avais", "avais", "avait", "avaient"]
MODALS = ["peux|dois|vais", "peux|dois|vas", "peut|doit|va", "peuvent|doivent|vont"]
NUMBERS, NOMBRES = "two|three|four|five|six|seven", "deux|trois|quatre|cinq|six|sept"
MANY = f"les|ces|mes|ses|leurs|plusieurs|beaucoup de|beaucoup d'|{NOMBRES}"
DETERMINERS = {
    "m": "le|l'|un|ce|cet|mon|son|leur|chaque",
    "f": "la|l'|une|cette|ma|mon|sa|son|leur|chaque",
    "M": MANY,
    "F": MANY,
    "2": "the|a|an|this|that|every|my|his|her|their",
    "3": f"the|some|several|a lot of|these|those|my|his|her|their|{NUMBERS}",
}
TIMES = ["at # o'clock", "in # days", "# days ago", "every day", "today", "yesterday", "tomorrow", "last week", "next week"]
TEMPS = ["à # heures", "dans # jours", "il y a # jours", "tous les jours", "aujourd'hui", "hier", "demain"]
TEMPS += ["la semaine dernière", "la semaine prochaine"]
TIME, TEMPS = f"(?:{'|'.join(TIMES)})".replace("#", f"(?:{NUMBERS})"), f"(?:{'|'.join(TEMPS)})".replace("#", f"(?:{NOMBRES})")
PLACE, LIEU = "(?:in|in front of|behind|next to|near) #.", "(?:dans|devant|derrière|(?:à côté|près) (?:de|d')) #."
OBJECT = "(?:me|you|him|her|it|them|#.)"
STATE, ETAT = "(?:hungry|thirsty|afraid|right|wrong)", "(?:faim|soif|peur|raison|tort)"
SMALL = """je/j' i, tu/te/t' you, il he ago, elle she, ils they, me/m'/-moi me, le/l'/-le the 's him it, la/l'/-la the 's
    her, la last next, les/-les the them, les/tous every, un/une a an, des/de some, des the, du the 's, de/d' of 's near
    next, de/d'/beaucoup lot, ce/cet/cette this that, ces these those, mon/ma/mes my, son/sa/ses his her, leur/leurs their,
    chaque every, plusieurs several, deux two, trois three, quatre four, cinq five, six six, sept seven, suis am, es/sont
    are, est is, étais/était was, étais/étaient were, ai am did, as/ont are did, a is did, avais/avait was, avais/avaient
    were, peux/peut/peuvent can, dois/doit/doivent must, vais/vas/va/vont going, faim hungry, soif thirsty, peur afraid,
    raison right, tort wrong, ne/n' not never longer, pas not, jamais never, plus longer, souvent often, toujours always,
    par by, dans in, devant front, derrière behind, à next at, côté next, près near, avec with, sans without, et and, mais
    but, car because, pourquoi why, heures o'clock, jours days day, a/y ago, hier yesterday, demain tomorrow, aujourd'hui
    today, semaine week, dernière last, prochaine next, est-ce/que/qu' am is are was were do does did can must"""


def rows(table):
    return [entry.split() for entry in table.split(",")]


def one_of(*options):
    """A pattern of any of the options, which may be patterns."""
    return f"(?:{'|'.join(options)})"


def column(table, k):
    """A pattern of the words in a column."""
    return one_of(*(row[k] for row in rows(table) if row[k:]))


def replaced(text, replacements):
    """The text with each pattern of whole words replaced in turn."""
    for pattern, tag in replacements:
        text = re.sub(rf"(?<!\S){pattern}(?!\S)", tag, text)
    return text


NOUN, ADJECTIVE, VERB = f"{NOUNS['m']}, {NOUNS['f']}", f"{BEFORE}, {BEHIND}", f"{TRANSITIVE}, {INTRANSITIVE}"
IDEA = f"{IDEAS['m']}, {IDEAS['f']}"
ENGLISH_ADJECTIVES = {row[0] for row in rows(ADJECTIVE)}


def meanings():
    """For each French word the sets of English words that it may stand for: it is linked with all of one set."""
    entries = [(french, {word}) for forms, *english in rows(SMALL) for french in forms.split("/") for word in english]
    entries += [(name, {name}) for names in NAMES.values() for name in names.split("|")]
    entries += [(row[2 + k], {row[k]}) for row in rows(NOUN) for k in (0, 1)]
    entries += [(french, {english}) for english, french in rows(IDEA)]
    entries += [(french, {english}) for english, *forms in rows(ADJECTIVE) for french in forms]
    for verb, *english in [(row, *row[:4]) for row in rows(VERB)]:
        base, *others = english[0].split("_")
        spoken = [base, english[1], english[2], english[3].replace("-", english[2])]
        for other in others or [""]:
            meant = [{word, other} - {""} for word in spoken]
            entries += [(french, meaning) for french in verb[4:10] for meaning in meant[:2]]
            entries += [(french, meant[k]) for french in verb[10:] for k in (0, 2, 3)]
        entries += [(french, {english[2]}) for french in AVOIR]
    return {french: [english for other, english in entries if other == french] for french, _ in entries if french != "-"}


MEANINGS = meanings()


# --- the rules: each gives the faults it finds in a pair

VOWEL = "(?!hibou|héros)[aàeéhioœuy]"
OBJECTS = {"me": "m", "you": "m", "him": "m", "her": "f", "it": "m", "them": "M"}  # what a French participle agrees with


def said(p):
    return f" {' '.join(p.french)} "


def sources(p, j):
    """The English words that a French one is linked with."""
    return {p.english[i] for i, k in p.links if k == j}


def elision(p):
    yield from re.findall(rf" (?:le|la|de|que|je|ne|me|te) (?={VOWEL})\S+", said(p))
    yield from re.findall(rf" \S*' (?!{VOWEL})\S*", said(p))
    yield from re.findall(r" (?!(?:l|d|qu|j|n|m|t)' )\S*' ", said(p))


def contraction(p):
    """Du roi, des rois; and de has no des, or de for des, behind it."""
    yield from re.findall(r" de (?:les?|des|du|de|d') | sans (?:des|de) ", said(p))


def forms_before_vowels(p):
    """Un bel arbre, cet homme, mon école; but un homme beau et vieux."""
    nouns = [column(NOUNS[gender], 2) for gender in "mf"]
    yield from re.findall(rf" (?:beau|nouveau|vieux) (?={VOWEL}){nouns[0]} | (?:ce|ma|sa) (?={VOWEL})\S+ ", said(p))
    yield from re.findall(rf" (?:cet|bel|nouvel|vieil) (?!{VOWEL})\S+ ", said(p))
    yield from re.findall(rf" (?:mon|son) (?!{VOWEL}){one_of(nouns[1], column(BEFORE, 2))} ", said(p))


def translation(p):
    """Each word means what it is linked with."""
    for j, word in enumerate(p.french):
        if word not in ",?" and not any(meaning <= sources(p, j) for meaning in MEANINGS.get(word, [])):
            yield f"{word} {sources(p, j)}"


def indefinite(p):
    """Neither un nor des in what is denied, as French says de there."""
    verb = one_of(column(TRANSITIVE, 4), column(TRANSITIVE, 10))
    yield from re.findall(rf" (?:pas|jamais|plus) (?:{verb} )?(?:une?|des|de|d') ", said(p))


# The two rules that follow put #m, #f, #M or #F for a French noun phrase, by its gender and with a capital if it is plural, #2
# or #3 for an English one, and @ for a pronoun that is an object. What is left of a sentence must be as a pattern has it.


def french_noun_phrases():
    for k, feature in enumerate("mfMF"):
        nouns, late = column(NOUNS[feature.lower()], 2 + k // 2), column(BEHIND, 1 + k)
        early = one_of(column(BEFORE, 1 + k), *[column(BEFORE, 5)] * (k == 0))
        some = [f"des {nouns}", f"de {early} {nouns}"] * (k > 1)
        yield one_of(f"{one_of(DETERMINERS[feature])} (?:{early} )?{nouns}", *some) + f"(?: {late})?", f"#{feature}"
    for k, gender in enumerate("mf"):
        yield one_of(NAMES[gender]), f"#{gender}"
        yield f"(#.) (?:de|d') {column(IDEAS[gender], 1)}(?: {column(BEHIND, 1 + k)})?", r"\1"
    yield r"(#.)(?: (?:de|d') #.)+", r"\1"


def french_clauses():
    """A pattern for each kind of subject, of adverb and of verb."""
    infinitive, run, ran = column(TRANSITIVE, 4), column(INTRANSITIVE, 4), column(INTRANSITIVE, 10)
    seen = {feature: column(TRANSITIVE, 10 + k) for k, feature in enumerate("mfMF")}
    kinds = [("je|j'", 0, "m"), ("tu", 1, "m"), ("il|#m", 2, "m"), ("elle|#f", 2, "f"), ("ils|#M", 3, "M"), ("#F", 3, "F")]
    for subjects, person, feature in kinds:
        see, runs = column(TRANSITIVE, 5 + person), column(INTRANSITIVE, 5 + person)
        old = column(ADJECTIVE, 1 + "mfMF".index(feature))
        for denied, adverb in [("(?:ne|n') ", " (?:pas|jamais|plus)"), ("", "(?: souvent| toujours)?")]:
            subject = f"{one_of(subjects)} {denied}"
            yield f"{subject}(?:@. {see}{adverb}|{see}{adverb} #.|{runs}{adverb})"
            yield f"{subject}{AVOIR[person]}{adverb} (?:{seen['m']} #.|{ran})"
            yield from (f"{subject}@{of} {AVOIR[person]}{adverb} {participle}" for of, participle in seen.items())
            yield f"{subject}{one_of(MODALS[person])}{adverb} (?:@. {infinitive}|{infinitive} #.|{run})"
            yield f"{subject}{one_of(ETRE[person], ETAIT[person])}{adverb} (?:{old}|{LIEU}|{seen[feature]} par #.)"
            yield f"{subject}{one_of(AVOIR[person], AVAIT[person])}{adverb} {ETAT}"


def french(p):
    """Words in their order, with ne and pas around the verb, each form agreeing with what it must."""
    words = list(p.french)
    for j, word in enumerate(words):
        objects = [OBJECTS[of] for of in sources(p, j) & OBJECTS.keys()]
        if objects and word.lstrip("-") in {"me", "m'", "te", "t'", "le", "la", "l'", "les", "moi"}:
            words[j] = re.sub(r"\w+'?", f"@{objects[0]}", word)
        if word == "du" or (word == "des" and sources(p, j) != {"some"}):
            words[j] = f"de {'le' if word == 'du' else 'les'}"
    text = replaced(" ".join(words), FRENCH_PHRASES)
    if not FRENCH.fullmatch(text):
        yield text


def english_noun_phrases():
    adjectives = f"(?:{one_of(*ENGLISH_ADJECTIVES)} )*"
    for k, number in enumerate("23"):
        yield f"{one_of(DETERMINERS[number])} {adjectives}{column(NOUN, k)}", f"#{number}"
    yield one_of(*NAMES.values()), "#2"
    yield f"#2 's {adjectives}{column(NOUN, 0)}", "#2"
    yield f"(#.) of {adjectives}{column(IDEA, 0)}", r"\1"
    yield r"(#.)(?: of #.)+", r"\1"


def done(k):
    """A pattern of the verbs of English in one form, with their objects: look at it, look it up, look up the word, run."""
    for verb in rows(TRANSITIVE):
        base, *others = verb[0].split("_")
        form = [base, *verb[1:]][k]
        for other in others:
            yield f"{form} (?:up #.|(?!#){OBJECT} up)" if other == "up" else f"{form} {other} {OBJECT}"
        if not others:
            yield f"{form} {OBJECT}"


def english_clauses(asked):
    """A pattern for each kind of subject and of verb, in a question or not."""
    do, does, did = (one_of(*done(k), column(INTRANSITIVE, k)) for k in range(3))
    seen = one_of(*(verb[3] for verb in rows(TRANSITIVE) if verb[3] != "-"))
    denied, often = "(?:(?:not|never|no longer) )?", "(?:(?:never|no longer|often|always) )?"
    adverb = "(?:(?:not|never|no longer|often|always) )?"
    after_be = f"{adverb}(?:{one_of(*ENGLISH_ADJECTIVES)}|{STATE}|{PLACE}|{seen} by #.)"
    for subject, am, was, helper, present in [
        ("i", "am", "was", "do", do),
        ("you", "are", "were", "do", do),
        ("(?:he|she|#2)", "is", "was", "does", does),
        ("(?:they|#3)", "are", "were", "do", do),
    ]:
        helpers = {
            f"(?:{am}|{was})": after_be,
            am: f"{denied}going to {do}",
            "(?:can|must)": f"{denied}{do}",
            f"(?:{helper}|did)": f"{adverb if asked else 'not '}{do}",
        }
        for first, rest in helpers.items():
            yield f"{first} {subject} {rest}" if asked else f"{subject} {first} {rest}"
        if not asked:
            yield f"{subject} {often}(?:{present}|{did})"


def english(p):
    """Words in their order, with do where it must be, each verb agreeing with its subject; an before vowels only."""
    yield from re.findall(r" a (?=[aeiou]|honest)\S+| an (?![aeiou]|honest)\S+", f" {' '.join(p.english)} ")
    text = replaced(" ".join(p.english), ENGLISH_PHRASES)
    if not ENGLISH.fullmatch(text):
        yield text


def sentence(clause, question, order, circumstance, time, joining):
    """A pattern of whole sentences: statements, a question, an order or a title."""
    clause = f"{clause}(?: {circumstance})*"
    return re.compile(
        one_of(
            f"(?:{time} )?{clause}(?: {joining} {clause})*",
            f"{question}(?: {circumstance})* \\?",
            f"{order}(?: {circumstance})*",
            "#.",
        )
    )


FRENCH_PHRASES, ENGLISH_PHRASES = list(french_noun_phrases()), list(english_noun_phrases())
_clause, _order, _pas = one_of(*french_clauses()), column(TRANSITIVE, 9), "(?:ne|n')"
FRENCH = sentence(
    _clause,
    f"(?:pourquoi )?est-ce (?:que|qu') {_clause}",
    f"(?:{_order} (?:-@.|#.)|{_pas} (?:@. {_order} pas|{_order} pas #.))",
    one_of(TEMPS, LIEU, "(?:avec|sans) #."),
    TEMPS,
    "(?:et|mais|car)",
)
ENGLISH = sentence(
    one_of(*english_clauses(False)),
    f"(?:why )?{one_of(*english_clauses(True))}",
    f"(?:do not )?{one_of(*done(0))}",
    one_of(TIME, PLACE, "(?:with|without) #."),
    TIME,
    "(?:and|but|because)",
)


MISTAKES = {  # what each rule must see: what is right > what stands in its place
    elision: "l' > le, le > l', je > j', qu' > que",
    contraction: "du > de le, près des > près de les, sans plusieurs > sans des",
    forms_before_vowels: "bel homme > beau homme, cet > ce, beau roi > bel roi, mon école > ma école, ma > mon",
    translation: "reine > femme, cherche > regarde, ne > te, elle > il, est vu > est voir, devant > derrière, mes > ses",
    indefinite: "pas la > pas une, jamais voir les > jamais voir des, attendez pas le > attendez pas un",
    french: """petite > petit, la femme > le femme, fleur rouge > rouge fleur, homme > honnête homme, de belles > des
        belles, des femmes > de femmes, pas > souvent, ne > me, n' > , ne les > les ne, va le >
        le va, les a > a les, voir > voit, voient > voit, sont > est, est vieille > est vieux, construites > construit, est
        aimée > est aimé, attendue > attendu, regardée > regardé, les a aimés > les a aimé, ai vu > suis vu, est-ce que > ,
        -le > le""",
    english: """sees > see, these men > these man, these > this, a > an, an > a, a > several, do not > not, did not see >
        did not saw, is not > not is, looked at > looked, look it up > look up it, 's > of, going to > going, can > can
        to""",
}


@pytest.mark.parametrize("rule", MISTAKES, ids=lambda rule: rule.__name__)
def test_the_grammar_keeps_the_rule(drawn, rule):
    faults = Counter(fault for p in drawn[:12_000] for fault in rule(p))
    assert faults == {}


@pytest.mark.parametrize(
    ("rule", "mistake"), [(rule, " ".join(one.split())) for rule in MISTAKES for one in MISTAKES[rule].split(",")]
)
def test_the_rule_sees_the_mistake(drawn, rule, mistake):
    language = "english" if rule is english else "french"
    right, wrong = (f" {side.strip()} " for side in mistake.split(">"))
    texts = ((p, f" {' '.join(getattr(p, language))} ") for p in drawn)
    spoilt = [replace(p, **{language: tuple(text.replace(right, wrong).split())}) for p, text in texts if right in text]
    assert spoilt
    assert all(any(True for _ in rule(p)) for p in spoilt[:200])


def test_the_tables_have_the_words_that_are_drawn(drawn):
    """Other words would pass the rules unseen, and rules for words that are gone would see nothing."""
    unbidden = {"voyez", "aimez", "perdez"}  # nobody is told to see, to love or to lose
    assert {word for p in drawn for word in p.french} == {*MEANINGS, "?"} - unbidden
    assert {word for p in drawn for word in p.english} == set().union(*chain(*MEANINGS.values())) | {"no", "to", "?"}


# --- what the pairs promise


def test_the_textbook_sentences():
    assert [gloss(p).split("\n") for p in textbook()] == [
        ["i love you", "je=i t'=you aime=love"],
        ["look it up", "cherchez=look+up -le=it"],
        ["the zone of international control", "la=the zone=zone de=of contrôle=control international=international"],
    ]
    assert textbook()[1].links == {(0, 0), (2, 0), (1, 1)}
    assert [crosses(p) for p in textbook()] == [True, True, True]
    assert [p.skeleton for p in textbook()] == ["i V you", "V it V", "N of N"]
    assert [set(p.combinations) for p in textbook()] == [set(), set(), {("international", "control")}]


def test_the_examples_in_the_text():
    assert doctest.testmod(sys.modules[pairs.__module__]) == (0, 3)


def test_drawing_finds_textbook_sentences_too():
    speaker = Speaker(Random(0))
    assert {p for p in textbook() if len(p.english) == 3} <= {pair(speaker.sentence(3)) for _ in range(30_000)}


def test_the_english_decides_the_french(drawn):
    assert len(set(drawn)) == len({p.english for p in drawn}) < len(drawn)


def test_every_word_is_linked(drawn):
    for p in drawn:
        assert {i for i, _ in p.links} == set(range(len(p.english)))
        assert {j for _, j in p.links} == set(range(len(p.french)))


def test_links_by_hand():
    she, i, me, her = pronoun(SHE, "subject"), pronoun(I, "subject"), pronoun(I, "object"), pronoun(SHE, "object")
    see, look = VERBS["see"], VERBS["look up"]
    word, hotel = (noun_phrase(ARTICLE, noun) for noun in LEXICON if noun.english[0] in {"word", "hotel"})
    cases = [
        (clause(she, see, her, adverb="not"), "elle=she ne=not la=her voit=does+see pas=not"),
        (clause(she, see, her, tense="past"), "elle=she l'=her a=saw vue=saw"),
        (clause(she, see, me, tense="going to", asked=NOTHING), "est-ce=is qu'=is elle=she va=is+going+to me=me voir=see"),
        (clause(i, look, word, tense="past", adverb="not"), "je=i n'=not ai=did pas=not cherché=look+up le=the mot=word"),
        (command(see, her, denied=True), "ne=not la=her voyez=do+see pas=not"),
        (passive(word, see, hotel), "le=the mot=word est=is vu=seen par=by l'=the hôtel=hotel"),
        (of(word, hotel).phrase, "le=the mot=word de=of l'=the hôtel=hotel"),
        (genitive(word, hotel.noun).phrase, "l'='s hôtel=hotel du=the+'s mot=word"),
    ]
    assert [gloss(pair(built)).split("\n")[1] for built, _ in cases] == [expected for _, expected in cases]


def test_numbers_of_the_whole(distinct):
    assert len(distinct) > 40_000
    assert len({p.skeleton for p in distinct}) > 500
    assert sum(map(crosses, distinct)) / len(distinct) > 0.7
    assert len({word for p in distinct for word in p.english}) < 230
    assert len({word for p in distinct for word in p.french}) < 385
    assert all(word == word.lower() and word for p in distinct for word in p.english + p.french)


def test_words_alone_do_not_translate(distinct):
    table = word_table(distinct[:35_000])
    assert table["girl"] == "fille"
    right = [word_for_word(table, p.english) == p.french for p in distinct[35_000:]]
    assert 0 < sum(right) / len(right) < 0.05


def test_the_table_has_the_most_frequent_word():
    def linked(*words):
        return Pair(("a",), words, frozenset((0, j) for j in range(len(words))), "", frozenset())

    assert word_table([linked("une", "des"), linked("un", "un")]) == {"a": "un"}
    assert word_table([linked("une"), linked("un"), linked("de", "une", "un")]) == {"a": "un"}
    assert word_for_word({"a": "un"}, ("a", "b", "a")) == ("un", "b", "un")


def test_crosses_looks_at_every_two_links(distinct):
    for p in distinct[:500]:
        assert crosses(p) == any((i - k) * (j - m) < 0 for (i, j), (k, m) in combinations(p.links, 2))


def test_a_skeleton_has_no_word_of_content(distinct):
    left = {word for p in distinct for word in p.skeleton.split()}
    verbs = {form for verb in rows(VERB) for form in (verb[0].split("_")[0], *verb[1:4])}
    assert not left & {*verbs, *ENGLISH_ADJECTIVES, *(word for noun in rows(NOUN) for word in noun[:2])}
    assert {"N", "V", "A", "#", "of", "not", "it"} <= left


# --- drawing


def test_pairs_are_distinct_and_as_long_as_asked():
    found = pairs(3000, 1, 5, 9)
    assert len({p.english for p in found}) == 3000
    counts = Counter(len(p.english) for p in found)
    assert set(counts) == set(range(5, 10))
    assert min(counts.values()) > 350
    assert pairs(50, 1, 30, 40) == pairs(50, 1, 30, 40) != pairs(50, 2, 30, 40)
    assert {len(p.english) for p in pairs(300, 0, 38, 44)} == set(range(38, 45))


def test_pairs_names_bad_input(monkeypatch):
    monkeypatch.setattr("utils.data.french.pairs.PATIENCE", 30)
    with pytest.raises(ValueError, match="count is 0; expected at least 1"):
        pairs(0, 0)
    with pytest.raises(ValueError, match="shortest is 2 and longest 9; expected 3 <= shortest"):
        pairs(1, 0, 2, 9)
    with pytest.raises(ValueError, match=r"count is 100000; found \d+ sentences of 3 to 3 words"):
        pairs(100_000, 0, 3, 3)


# --- splits

SPLITS = {
    "random": splits.at_random,
    "length": lambda pairs, seed: splits.by_length(pairs, seed, 12),
    "skeleton": splits.by_skeleton,
    "combination": splits.by_combination,
}


@pytest.mark.parametrize("name", SPLITS)
def test_splits_do_not_overlap(distinct, name):
    some = distinct[:10_000]
    split = SPLITS[name](some, 0)
    parts = [set(part) for part in split]
    assert sum(map(len, split)) == len(set.union(*parts)) <= len(some)
    assert set.union(*parts) <= set(some)
    assert min(map(len, parts)) >= 480
    assert SPLITS[name](some, 0) == split != SPLITS[name](some, 1)


def test_split_sizes(distinct):
    assert list(map(len, splits.at_random(distinct[:1000], 0, 0.2))) == [600, 200, 200]
    with pytest.raises(ValueError, match=r"share is 0\.5; expected more than 0 and less than a half"):
        splits.at_random(distinct[:100], 0, 0.5)
    with pytest.raises(ValueError, match="pairs holds 5 to divide"):
        splits.at_random(distinct[:5], 0)


def test_by_length_tests_what_is_longer(distinct):
    train, validation, test = splits.by_length(distinct[:5000], 0, 12)
    assert max(len(p.english) for p in train + validation) == 12
    assert min(len(p.english) for p in test) == 13
    assert len(train + validation + test) == 5000


def test_by_skeleton_tests_new_skeletons(distinct):
    train, validation, test = splits.by_skeleton(distinct[:5000], 0)
    assert {p.skeleton for p in test} & {p.skeleton for p in train + validation} == set()
    assert 450 <= len(test) <= 500
    assert len(train + validation + test) == 5000


def test_by_combination_tests_known_words_in_new_company(distinct):
    train, validation, test = splits.by_combination(distinct[:20_000], 0)
    seen = {c for p in train + validation for c in p.combinations}
    words = {word for c in seen for word in c}
    new = [p.combinations - seen for p in test]
    assert all(new)
    assert all(set(c) <= words for some in new for c in some)
    assert len(test) > 1500
    together = {(p.english[i], p.english[i + 1]) for p in train for i in range(len(p.english) - 1)}
    adjacent = {c for p in test for c in p.combinations - seen if c[0] in ENGLISH_ADJECTIVES}
    assert len(adjacent) > 3
    assert adjacent & together == set()
    for seed in range(20):  # with few pairs, some words would stand in the test alone
        train, _, test = splits.by_combination(distinct[400 * seed : 400 * seed + 400], seed, 0.3)
        words = {word for p in train for c in p.combinations for word in c}
        held = {c for p in test for c in p.combinations} - {c for p in train for c in p.combinations}
        assert all(any(c in held and set(c) <= words for c in p.combinations) for p in test)
