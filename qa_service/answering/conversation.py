"""A follow-up question made to stand alone, without a language model.

A question leans on the conversation when it points back (それはいつですか, その目的は？, "when was it
revised?") or names nothing of its own (目的は？, "Why?"). It is then given the topic of the last
question that stood alone: the words before its topic marker in Japanese, the longest name in it in
English. One that asks the last one again, of another year or work, or names the next part of a work, is made whole
by `repeats` and `works`. A question that stands alone is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qa_service.answering.repeats import repeated
from qa_service.answering.works import names_part, within_work
from qa_service.retrieval.english import STOP_WORDS
from qa_service.retrieval.language import detect_language
from qa_service.retrieval.terms import morphemes
from qa_service.types import Turn

# それは, その目的, 同委員会, 両者の: points back, unless something to point at stands before it.
_POINTER_JA = re.compile(
    r"(?P<adnominal>その|この|あの|同(?=委員会|会談|会合|協議|声明|条約|協定|指針|法|年|日))"
    r"|(?P<pronoun>それら|これら|それ|これ|あれ|そこ|ここ|そちら|彼ら|彼女|彼(?![^\W\d_])|両者|前者|後者)"
)
# この章, この文書, これまで, それぞれ, そのほか: point at the document or at nothing.
_NO_POINTER_JA = re.compile(
    r"(?:この|その)(?:章|節|文書|白書|資料|図表|報告書|ほか|他|後|際|うち|ため)|これまで|それぞれ|それとも|ここ数年|これから"
)
_LINK_JA = re.compile(
    r"^(?:では|それでは|じゃあ|ちなみに|また|あと|ほかに(?:は)?)、?\s*"
)  # では、米側は？
# 指針は, 2+2とは, 会談では, 会談について: what stands before is what the question is about.
_TOPIC_MARKER_JA = re.compile(r"とは|では|には|については?|に関して|は|が|って")
# Nouns that ask for something of what a question is about: SDCのメンバー, 指針の目的.
RELATIONS = (
    "目的 根拠 理由 原因 時期 内容 場所 題名 名前 名称 意味 役割 背景 経緯 結果 概要 詳細 方法 期間 特徴 "
    "メンバー 構成員 出席者 参加者 対象 人数 回数 数 正式名称 略称"
)
_GENERIC_JA = frozenset(
    f"{RELATIONS} 題 例 構成 年 月 日 人 国 主体 相手 前回 次回 最初 最後 最近 今回 他 つ".split()
)
_POINTER_EN = re.compile(
    r"\b(?:(?P<possessive>its|their|his|her)|(?P<pronoun>it|they|them|this|these|those|he|she|him)"
    r"|(?P<phrase>(?:that|this|the same) (?:one|meeting|committee|agreement|document|year|body)))\b",
    re.IGNORECASE,
)
_LINK_EN = re.compile(r"^(?:and|but|so|also|then)\b,?\s*|^(?:what|how) about\b\s*", re.IGNORECASE)
# Guidelines for Japan-U.S. Defense Cooperation: capitalised words with small words between them.
_NAME_EN = re.compile(
    r"(?:[A-Z0-9][\w.+'’-]*)(?:\s+(?:of|for|the|and|on|to|in)\b(?=\s+(?:\w+\s+)?[A-Z])|\s+[A-Z0-9][\w.+'’-]*)*"
)
# Japan, the committee: something inside the question that a pointer can point at.
_ANTECEDENT_EN = re.compile(r"\b[A-Z]|\b(?:the|an?)\s+\w+")
_QUESTION_WORDS_EN = frozenset(
    "what when where who whom whose which why how is are was were do does did can "
    "could will would has have had please tell explain describe list name give in on "
    "at of by for from to".split()
)


# Who attends?, What happened?: a verb alone, of something that was spoken of before.
_VERB_ALONE_EN = re.compile(
    r"(?:who|what|which|when|where|why|how)\s+(?P<verb>[a-z]+)\W*", re.IGNORECASE
)
_COURTESIES_EN = frozenset(
    "hello hi hey thanks thank you very much bye goodbye ok okay good morning evening great".split()
)

_TURN_READ_CHARACTERS = 500  # of an earlier question: its topic stands at its beginning
_TOPIC_MAX_CHARACTERS = 100


def make_standalone(question: str, history: Sequence[Turn]) -> str:
    """`question` with the topic that it leans on put in; unchanged when it leans on nothing."""
    if not history or is_courtesy(question):
        return question
    earlier = [asked for turn in reversed(history) if (asked := _asked(turn))]
    whole = repeated(question, earlier[:1])
    if whole == question:
        whole = within_work(question, _same_talk(earlier))
    if whole != question or not leans(question):
        return whole
    for place, asked in enumerate(earlier):
        if not leans(asked):
            topic = find_topic(within_work(asked, _same_talk(earlier[place + 1 :])))
            return _with_topic(question, topic) if topic else question
    return question


def _same_talk(earlier: Sequence[str]) -> Iterator[str]:
    """Up to a question that stands alone and names no part of a work: there the talk was of something else."""
    for asked in earlier:
        if not leans(asked) and not names_part(asked):
            return
        yield asked


def _asked(turn: Turn) -> str:
    """The beginning of an earlier question, "" for what was answered."""
    if turn.role != "user":
        return ""
    return turn.content[:_TURN_READ_CHARACTERS].replace("\0", " ").strip()


def is_courtesy(text: str) -> bool:
    """こんにちは, ありがとうございます, thanks a lot: words that ask for nothing."""
    if _is_japanese(text):
        classes = {word.part_of_speech()[0] for word in morphemes(text)}
        return "感動詞" in classes and not classes & {"名詞", "代名詞", "副詞"}
    words = set(re.findall(r"[a-z]+", text.lower()))
    return bool(words) and words <= _COURTESIES_EN


def leans(question: str) -> bool:
    """Whether the question can only be understood with what was said before."""
    if _is_japanese(question):
        return _leans_japanese(question.strip())
    return _leans_english(question.strip())


def find_topic(question: str) -> str:
    """What a question that stands alone is about; empty when nothing can be told, or only at
    such length that it would drown the next question."""
    find = _topic_japanese if _is_japanese(question) else _topic_english
    topic = find(question.strip())
    return topic if len(topic) <= _TOPIC_MAX_CHARACTERS else ""


def _is_japanese(text: str) -> bool:
    return detect_language(text) in ("ja", "zh")


def _leans_japanese(question: str) -> bool:
    if _LINK_JA.match(question):
        return True
    pointer = _japanese_pointer(question)
    if pointer is not None:
        return True
    return not _specific_nouns(question)


def _japanese_pointer(question: str) -> re.Match[str] | None:
    """The first word that points back, with nothing before it in the question to point at."""
    masked = _NO_POINTER_JA.sub(lambda match: "　" * len(match.group()), question)
    match = _POINTER_JA.search(masked)
    if match is None or _specific_nouns(question[: match.start()]):
        return None
    return match


def _specific_nouns(text: str) -> list[str]:
    """Nouns that name something: no generic ones (目的), none that only make a verb (改訂される)."""
    found = []
    words = list(morphemes(text))
    for place, word in enumerate(words):
        kind = word.part_of_speech()
        if kind[0] != "名詞" or word.surface() in _GENERIC_JA or kind[1] == "助動詞語幹":
            continue
        following = words[place + 1] if place + 1 < len(words) else None
        side = following if following is not None and following.surface() == "側" else word
        if side.surface().endswith("側"):  # 米側の出席者: of what?
            continue
        makes_verb = (
            kind[2] == "サ変可能"
            and following is not None
            and following.dictionary_form() in ("する", "いたす", "できる", "為る")
        )
        if not makes_verb:
            found.append(word.surface())
    return found


def _topic_japanese(question: str) -> str:
    """日米防衛協力のための指針はいつ… -> 日米防衛協力のための指針; SDCとは -> SDC."""
    question = _LINK_JA.sub("", question)
    for marker in _TOPIC_MARKER_JA.finditer(question, 0, 2 * _TOPIC_MAX_CHARACTERS):
        before = question[: marker.start()].rstrip("、 ")
        if _specific_nouns(before) and _ends_in_noun(before):
            return _without_generic_end(before)
    return "".join(_longest_noun_run(question))


def _without_generic_end(topic: str) -> str:
    """日米合同委員会の目的 -> 日米合同委員会."""
    owner, _, owned = topic.rpartition("の")
    return owner if owner and owned in _GENERIC_JA else topic


def _ends_in_noun(text: str) -> bool:
    words = list(morphemes(text))
    return bool(words) and words[-1].part_of_speech()[0] in ("名詞", "接尾辞", "補助記号", "記号")


def _longest_noun_run(text: str) -> list[str]:
    best: list[str] = []
    run: list[str] = []
    for word in morphemes(text):
        if word.part_of_speech()[0] in ("名詞", "接尾辞", "接頭辞", "形状詞"):
            run.append(word.surface())
            best = max(best, run, key=len)
        else:
            run = []
    return best


def _leans_english(question: str) -> bool:
    if _LINK_EN.match(question):
        return True
    pointer = _POINTER_EN.search(question)
    if pointer is not None and not _ANTECEDENT_EN.search(question, 1, pointer.start()):
        return True
    verb = _VERB_ALONE_EN.fullmatch(question)
    if verb is not None and verb["verb"].lower() not in STOP_WORDS | _QUESTION_WORDS_EN:
        return True
    return not _content_words(question)


def _content_words(text: str) -> list[str]:
    words = re.findall(r"[\w.+'’-]+", text)  # Guidelines, U.S., 2+2
    return [word for word in words if word.lower() not in STOP_WORDS | _QUESTION_WORDS_EN]


def _topic_english(question: str) -> str:
    first_word = question.split(" ", 1)[0]
    names = [
        match.group()
        for match in _NAME_EN.finditer(question)
        if not (match.start() == 0 and match.group().lower() in _QUESTION_WORDS_EN | STOP_WORDS)
    ]
    names = [name.removeprefix(f"{first_word} ") for name in names]
    if names:
        return max(names, key=len).strip(" ?.!,")
    return " ".join(_content_words(question)).strip(" ?.!,")


def _with_topic(question: str, topic: str) -> str:
    if _is_japanese(question):
        pointer = _japanese_pointer(question)
        if pointer is None:
            return f"{topic}について、{_LINK_JA.sub('', question)}"
        rest = question[pointer.end() :]
        if pointer["adnominal"]:
            noun = next((word.surface() for word in morphemes(rest)), "")
            put = topic.removesuffix(noun) if noun and topic.endswith(noun) else f"{topic}の"
        else:
            put = topic
        return question[: pointer.start()] + put + rest
    rest = _LINK_EN.sub("", question)
    pointer = _POINTER_EN.search(rest)
    if pointer is None:
        return f"{rest.rstrip(' ?')} ({topic})?"
    put = f"{topic}'s" if pointer["possessive"] else topic
    return rest[: pointer.start()] + put + rest[pointer.end() :]
