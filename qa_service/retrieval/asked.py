"""What a question asks for beside what it names: nothing else (図表1は何か), or all of a document (3行で要約して)."""

from __future__ import annotations

import re
from functools import cache

from sudachipy import Morpheme

from qa_service.retrieval.terms import extract_terms, morphemes

# Words that ask for what an element says, and for nothing in it.
_SAYING = (
    "書く 述べる 記載 内容 概要 説明 要約 まとめる 示す 載る 何 文書 本書 見せる 表示 読む 全文 定める 規定 "
    "content summary summarise summarize say show tell display document section chapter provide "
    "article report paper text overview topic cover"
)
# Words that, with these, ask what an element or a document is about, in three languages.
_ABOUT = (
    "主 主な 主要 テーマ 主題 要点 ポイント 論点 話 全体 どんな について書く "
    "章 本章 この章 本書 白書 報告書 論文 記事 計画 条例 要綱 書類 "
    "簡潔 短い 手短 わかりやすい 箇条書き 一言 ひとこと ざっくり 教える ドキュメント "
    "tl dr tldr briefly short brief takeaway takeaways gist sum up 要する かいつまむ 掻い摘む "
    "main points topics point topic theme themes key subject covers give overview white plan "
    "这份 這份 这个 這個 本文 文件 文章 报告 報告 讲 說 说 讲了 講了 什么 什麼 是什么 主要 主要内容 概要 总结 総結 "
    "摘要 一下 请 請 简要 簡要 帮我"
)
# What asks for all of a document: that in hand, or what stands in it.
_OF_WHOLE = re.compile(
    r"(?:この|本|当該?)(?:文書|ドキュメント|[章節編書]|白書|報告書?|資料|書類|論文|記事|条例|計画|要綱)"
    r"|概要|要約|要点|主題|テーマ|論点|ポイント|まとめて|総括|全体像|内容|何(?:が|を|について)書|どんな(?:文書|報告|資料|白書)"
    r"|\b(?:this|the)\s(?:white\s?paper|document|chapter|report|paper|text|article|plan)\b"
    r"|\bsummar(?:y|i[sz]e)|\boverview\b|\btopics?\b|\bthemes?\b|\b(?:main|key)\spoints?\b"
    r"|[这這](?:份|个|個|篇|章)?(?:文件|报告|報告|文章|白皮书)|总结|總結|総結|摘要|讲了什么|講了什麼"
    r"|\btl;?\s?dr\b|\btakeaways?\b|\bgist\b|\bsum\sup\b|要するに|かいつまんで",
    re.IGNORECASE,
)
# The same in languages whose words are not taken apart: Résumez ce document, 이 문서를 요약해 주세요
_OF_WHOLE_ELSEWHERE = re.compile(
    r"\s*(?:(?:pouvez|pourriez)-vous\s|peux-tu\s)?(?:me\s)?r[ée]sume[rz]?\s(?:ce|le|cet)\s"
    r"(?:document|rapport|chapitre|texte)(?:,?\ss'il\s(?:vous|te)\splaît)?\W*"
    r"|\s*resum(?:e|a|ir|en)\s(?:este|el)\s(?:documento|informe|capítulo|texto)(?:,?\spor\sfavor)?\W*"
    r"|\s*(?:können\ssie\s|kannst\sdu\s|fassen?\s(?:sie\s)?)(?:mir\s|bitte\s)*(?:das|dieses|den|diesen)\s"
    r"(?:dokument|bericht|kapitel|text)\s(?:bitte\s|kurz\s)*zusammen(?:fassen)?\W*"
    r"|\s*이?\s?(?:(?:문서|보고서|장|백서)(?:를|을|의)?\s)?(?:내용을?\s)?(?:요약|정리)(?:을|를)?"
    r"\s?(?:해|하여|해서)?\s?(?:줘|줘요|주세요|주십시오)?\W*",
    re.IGNORECASE,
)
# How it is to be told, and of what in hand: 3行で, 300字以内で, 簡単に, in three sentences; この資料
_HOW_TOLD = re.compile(
    r"[0-9０-９一二三四五六七八九十百千]+\s?(?:行|字|文字|文|点|つ|個|段落|ポイント)"
    r"(?:(?:以内|程度|ほど|くらい|ぐらい)[でに]?|[でに]|(?=教え|挙げ|あげ|示し|述べ))"
    r"|[用以]?[0-9一二三四五六七八九十]+句[话話]|(?:簡単に|(?:総括|整理)して)|(?:この|本)資料"
    r"|\bin\s(?:(?:about|at\smost|under|no\smore\sthan)\s)?"
    r"(?:a\s(?:few|couple\sof)|an?|\d+|one|two|three|four|five|six|ten)?\s?(?:short\s|brief\s|simple\s)?"
    r"(?:sentences?|words|lines?|paragraphs?|bullet\spoints?|bullets|nutshell|terms)\b",
    re.IGNORECASE,
)
# 第6条はいつ…, 誰が書いた文書ですか, How long is the document?
_ASKS_OTHERWISE = re.compile(
    r"誰|だれ|(?<!か)いつ|どこ|なぜ|いくら|いくつ|[谁哪]|为什么|為什麼|多少|\b(?:who|whose|when|where|why|how|which)\b",
    re.IGNORECASE,
)
# 白書とは, 何章ありますか, What is a white paper?
_OF_WORD = re.compile(r"とは|何[部編章節条]|\bwhat(?:'s|\sis|\sare)\san?\b", re.IGNORECASE)

# Xについて簡単に教えてください, Xの要点を3点でまとめて: what stands before it is what is asked about
_TOLD = re.compile(
    r"(?:お?(?:教え|聞かせ|まとめ)て|知りたい|ご?(?:説明|解説|要約|紹介|総括)(?:して|を?お願い(?:し|いたし|致し)ます))"
    r"(?:(?:くださ|下さ|くれ|ほし|欲し|いただ|頂|もらえ|もらい|ちょうだい|頂戴|です|のです|んです)[ぁ-ん頂]{0,12}|[よねなか]{0,2})"
    r"[。．.!！?？\s]*$"
)
_BEFORE_TOLD = (
    "もう少し", "もっと", "簡単に", "簡潔に", "手短に", "詳しく", "具体的に", "分かりやすく", "わかりやすく",
    "を", "に", "、", "の要点", "のポイント",
)  # fmt: skip
_IN_SO_MANY = re.compile(
    r"(?:[0-9０-９]{1,4}|[一二三四五六七八九十]{1,2})(?:行|文字|字|文|点|つ|個|段落|ポイント)"
    r"(?:以内|程度|ほど|くらい|ぐらい)?[でに]?$"
    r"|\s(?:in|within)\s(?:[a-z0-9]{1,9}\s){0,4}(?:sentences?|words|lines?|paragraphs?|points|bullets)[.?!\s]{0,9}$",
    re.IGNORECASE,
)
# Can you explain, Tell me more about, What are the key points of; 请介绍一下 (in Japanese characters, too)
_REQUEST = re.compile(
    r"\s*(?:please\s)?(?:(?:can|could|would|will)\syou\s(?:please\s)?|i(?:'d|\swould)?\s(?:like|want)\s(?:you\s)?to\s)?"
    r"(?:(?:(?:tell\s(?:me|us)|know|learn)\s(?:more\s)?about|(?:explain|describe|summari[sz]e|sum\sup)(?:\sto\s(?:me|us))?)"
    r"(?:\swhat\s(?:is|are))?"
    r"|(?:(?:give|tell|show)\s(?:me|us)\s|provide\s|write\s|what\s(?:is|are)\s)?(?:an?\s|the\s)?(?:(?:brief|short|quick)\s)?"
    r"(?:(?:main|key|most\simportant)\s(?:points|takeaways|findings)|takeaways|gist|summary|overview)\s(?:of|about|on|from|in))\s"
    r"|\s*(?:[请請](?:帮我|幫我|[给給]我)?|帮我|幫我|[给給]我)(?:简单|簡単|簡單|简要|簡要)?"
    r"(?:总结|総結|總結|概括|介绍|介紹|说明|説明|說明|解释|解釈|解釋)(?:一下)?"
    r"|\s*(?:总结|総結|總結|概括|介绍|介紹|说明|説明|說明|解释|解釈|解釋)一下",
    re.IGNORECASE,
)
_ABOUT_WHAT = re.compile(r"\s*what(?:'s|\s(?:is|are|was|were))\s", re.IGNORECASE)
_ABOUT_ENDS = (" all about", " about")
_END_MARKS = " ?？.。!！"
# What no answer holds: 誰が, いくらですか, どのような; by their normalised forms.
_INTERROGATIVES = frozenset(
    "誰 何 何人 何年 何月 何日 何時 何回 何故 何処 いつ どこ どれ どちら どの どのような どんな どう 幾ら 幾つ".split()
)


def asks_nothing_else(rest: str) -> bool:
    """Whether the words beside what a question names ask for what that says, and for nothing in it."""
    if _OF_WHOLE_ELSEWHERE.fullmatch(rest):
        return True
    if _ASKS_OTHERWISE.search(rest):
        return False
    asked = set(extract_terms(_HOW_TOLD.sub(" ", rest)).morphemes)
    return not asked - terms_of(_SAYING) - terms_of(_ABOUT)


def asks_for_whole(question: str) -> bool:
    """Whether a question that names no part asks what a document says: "What is this document about?"."""
    if _OF_WHOLE_ELSEWHERE.fullmatch(question):
        return True
    if _OF_WORD.search(question) or not _OF_WHOLE.search(question):
        return False
    return asks_nothing_else(question)


@cache
def terms_of(words: str) -> frozenset[str]:
    return frozenset(extract_terms(words).morphemes)


def without_request(question: str) -> str:
    """What a question asks about, without the words that ask to be told of it (図書館について教えてください); as it is
    where nothing else is left."""
    rest = question
    if told := _TOLD.search(question):
        rest = _without_end(question[: told.start()])
    elif request := _REQUEST.match(question):
        rest = _IN_SO_MANY.sub("", question[request.end() :])
    elif what := _ABOUT_WHAT.match(question):
        bare = question.rstrip(_END_MARKS)
        ending = next((each for each in _ABOUT_ENDS if bare.endswith(each)), "")
        rest = bare[what.end() : -len(ending)] if ending else question
    return rest if extract_terms(rest).morphemes else question


def _without_end(text: str) -> str:
    """Without how it is to be told: を簡単に, の要点を3点で."""
    before = ""
    while text != before:
        before, text = text, _IN_SO_MANY.sub("", text.rstrip())
        for end in _BEFORE_TOLD:
            text = text.removesuffix(end)
    return text


def without_asking(question: str) -> str:
    """Without Japanese words of asking, which no answer holds (いくらですか); as it is where nothing else is left."""
    words = list(morphemes(question))
    while words and _ends_question(words[-1]):
        words.pop()
    rest = "".join(
        " " if word.normalized_form() in _INTERROGATIVES else word.surface() for word in words
    )
    return rest if extract_terms(rest).morphemes else question


def _ends_question(word: Morpheme) -> bool:
    """ですか, ましたか, のでしょうか?"""
    kind, detail = word.part_of_speech()[:2]
    return kind in ("助動詞", "補助記号", "空白") or detail in ("終助詞", "準体助詞", "非自立可能")
