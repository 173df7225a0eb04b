"""Forms of Japanese and English words, by rule: verbs, adjectives, plurals."""

from __future__ import annotations

import re

# What a verb's last kana turns into: stem (書き), nai (書か), te (書いて), past (書いた), can (書け), will (書こ).
GODAN = {
    "う": ("い", "わ", "って", "った", "え", "お"), "つ": ("ち", "た", "って", "った", "て", "と"),
    "る": ("り", "ら", "って", "った", "れ", "ろ"), "く": ("き", "か", "いて", "いた", "け", "こ"),
    "ぐ": ("ぎ", "が", "いで", "いだ", "げ", "ご"), "す": ("し", "さ", "して", "した", "せ", "そ"),
    "ぬ": ("に", "な", "んで", "んだ", "ね", "の"), "ぶ": ("び", "ば", "んで", "んだ", "べ", "ぼ"),
    "む": ("み", "ま", "んで", "んだ", "め", "も"),
}  # fmt: skip
BEFORE_ICHIDAN_RU = "いきしちにひみりぎじびえけせてねへめれげぜでべ"
ICHIDAN = frozenset("見る 着る 寝る 出る 似る 煮る 経る 得る".split())  # the vowel is in the kanji
GODAN_RU = frozenset(
    "はいる しる はしる しゃべる すべる ける にぎる へる まいる あせる かぎる".split()
)
DOUBLED = frozenset("admit refer prefer occur begin commit permit forget regret".split())
PLURALS = {
    "child": "children",
    "man": "men",
    "woman": "women",
    "person": "people",
    "foot": "feet",
    "tooth": "teeth",
    "mouse": "mice",
}
IRREGULAR = {
    line.split()[0]: (line.split()[1], line.split()[2])
    for line in """be was been;become became become;begin began begun;bite bit bitten
    blow blew blown;break broke broken;bring brought brought;build built built;buy bought bought
    catch caught caught;choose chose chosen;come came come;cut cut cut;do did done
    draw drew drawn;drink drank drunk;drive drove driven;eat ate eaten;fall fell fallen
    feel felt felt;fight fought fought;find found found;fly flew flown;forget forgot forgotten
    get got gotten;give gave given;go went gone;grow grew grown;hang hung hung;have had had
    hear heard heard;hide hid hidden;hit hit hit;hold held held;hurt hurt hurt;keep kept kept
    know knew known;lay laid laid;lead led led;leave left left;lend lent lent;let let let
    lie lay lain;lose lost lost;make made made;mean meant meant;meet met met;pay paid paid
    put put put;read read read;ride rode ridden;ring rang rung;rise rose risen;run ran run
    say said said;see saw seen;sell sold sold;send sent sent;set set set;shake shook shaken
    shine shone shone;shoot shot shot;show showed shown;shut shut shut;sing sang sung
    sink sank sunk;sit sat sat;sleep slept slept;speak spoke spoken;spend spent spent
    stand stood stood;steal stole stolen;strike struck struck;swim swam swum;take took taken
    teach taught taught;tear tore torn;tell told told;think thought thought
    throw threw thrown;understand understood understood;wake woke woken;wear wore worn
    quit quit quit;bet bet bet;spread spread spread;freeze froze frozen;bind bound bound;wind wound wound
    swear swore sworn;win won won;write wrote written""".replace("\n", ";").split(";")
}


def inflect(verb: str) -> dict[str, str]:
    """Forms of a verb in its dictionary form: plain, stem, nai, te, past, can, passive and will (書こう).

    Verbs in -iru and -eru are taken as ichidan (見る), which is right for most of them.
    """
    if verb.endswith("する"):
        front, endings = verb[:-2], ("し", "し", "して", "した", "できる", "される", "しよう")
    elif verb in ("来る", "くる"):
        front = verb[:-2] + verb[-2].replace("く", "き")
        nai = verb[:-2] + verb[-2].replace("く", "こ")
        return {
            "plain": verb, "stem": front, "nai": nai, "te": front + "て", "past": front + "た",
            "can": nai + "られる", "passive": nai + "られる", "will": nai + "よう",
        }  # fmt: skip
    elif verb in ICHIDAN or (verb[-2:-1] in BEFORE_ICHIDAN_RU and verb not in GODAN_RU):
        front, endings = verb[:-1], ("", "", "て", "た", "られる", "られる", "よう")
    else:
        stem, nai, te, past, can, will = GODAN[verb[-1]]
        if verb in ("行く", "いく"):
            te, past = "って", "った"
        front = verb[:-1]
        endings = (stem, nai, te, past, can + "る", nai + "れる", will + "う")
    names = ("stem", "nai", "te", "past", "can", "passive", "will")
    forms = {name: front + ending for name, ending in zip(names, endings, strict=True)}
    return forms | {"plain": verb}


def inflect_english(phrase: str) -> dict[str, str]:
    """The first word of the phrase inflected: v look for, s looks for, ed, en, ing looking for."""
    verb, _, rest = phrase.partition(" ")
    soft = verb[:-1] if re.search(r"[^aeio]e$|ue$", verb) and verb != "be" else verb
    if re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwxy]", verb) or verb in DOUBLED:  # stop: stopped
        soft = verb + verb[-1]
    changes_y = re.search(r"[^aeiou]y$", verb) is not None
    regular = verb[:-1] + "ied" if changes_y else soft + ("d" if soft.endswith("e") else "ed")
    past, participle = IRREGULAR.get(verb, (regular, regular))
    ing = verb[:-2] + "ying" if verb in ("lie", "die", "tie") else soft + "ing"
    third = {"be": "is", "have": "has"}.get(verb, _with_s(verb))
    forms = {"v": verb, "s": third, "ed": past, "en": participle, "ing": ing}
    return {name: f"{form} {rest}".strip() for name, form in forms.items()}


def plural(phrase: str) -> str:
    """Of its last word: polar bears, cities, children."""
    front, space, noun = phrase.rpartition(" ")
    return front + space + (PLURALS.get(noun) or _with_s(noun))


def _with_s(word: str) -> str:
    """Plural of a noun, third person of a verb: boxes, studies."""
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh", "o")) else "s")
