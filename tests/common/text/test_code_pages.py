"""Legacy encodings found out from the bytes of a text, in many languages and also from a few words."""

from __future__ import annotations

import pytest

from common.text.code_pages import guess_code_page
from common.text.encodings import guess_encoding

TEXTS = [
    (
        "cp1254",
        "Bu filmi çok beğendim. Oyuncular güzel oynamış, ama sonu biraz sıkıcıydı. Işıklar ve",
    ),
    ("cp1255", "הסרט הזה היה נהדר. השחקנים מצוינים והמוזיקה יפה מאוד. אני ממליץ לכולם לראות אותו"),
    ("cp1256", "هذا الفيلم رائع جدا. الممثلون ممتازون والموسيقى جميلة. أنصح الجميع بمشاهدته في السينما"),
    (
        "cp1257",
        "Šis filmas man labai patiko. Aktoriai vaidino puikiai, bet pabaiga buvo šiek tiek",
    ),
    ("cp1258", "Phim này rât hay và tôi thích nó."),
    ("cp1251", "Этот фильм мне очень понравился. Актёры играли прекрасно, но конец был немного скучным."),
    ("koi8-r", "Этот фильм мне очень понравился. Актёры играли прекрасно, но конец был немного скучным."),
    ("cp1253", "Αυτή η ταινία μου άρεσε πολύ. Οι ηθοποιοί έπαιξαν υπέροχα, αλλά το τέλος ήταν λίγο"),
    ("iso8859-7", "Αυτή η ταινία μου άρεσε πολύ. Οι ηθοποιοί έπαιξαν υπέροχα, αλλά το τέλος ήταν λίγο"),
    (
        "cp1250",
        "Ten film bardzo mi się podobał. Aktorzy grali świetnie, ale zakończenie było trochę",
    ),
    (
        "iso8859-2",
        "Tento film se mi velmi líbil. Herci hráli skvěle, ale konec byl trochu nudný. Příště",
    ),
    ("cp874", "หนังเรื่องนี้ดีมาก นักแสดงเล่นได้ยอดเยี่ยม แต่ตอนจบน่าเบื่อเล็กน้อย"),
    ("gb18030", "这部电影非常好看。演员演得很好，但是结尾有点无聊。我会和朋友再看一次。"),
    ("big5", "這部電影非常好看。演員演得很好，但是結尾有點無聊。我會和朋友再看一次。"),
    ("shift_jis", "この映画はとても面白かったです。俳優の演技も素晴らしかったが、結末は少し退屈でした。"),
    ("euc_jp", "この映画はとても面白かったです。俳優の演技も素晴らしかったが、結末は少し退屈でした。"),
    ("euc_kr", "이 영화는 정말 재미있었어요. 배우들의 연기가 훌륭했지만 결말은 조금 지루했어요."),
    ("cp1252", "Der Film war schön – aber das Ende war öde. Größe, Übermut, Fußball."),
    ("cp850", "Der Film war schön, aber das Ende war öde. Größe, Übermut, Fußball und Käse für Mütter."),
    ("cp866", "Этот фильм мне очень понравился. Актёры играли прекрасно, но конец был немного скучным."),
    ("mac_roman", "Le film était très beau, mais la fin était ratée. Où étaient les élèves ? Ça m'a plu."),
]


@pytest.mark.parametrize(("encoding", "text"), TEXTS)
@pytest.mark.parametrize("before", ["", "rating,review\n5,"])
def test_a_text_is_read_as_it_was_written(encoding, text, before):
    for part in (text, text[:60]):
        data = (before + part).encode(encoding)
        found = guess_encoding(data)
        assert found is not None
        assert data.decode(found) == before + part


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("“It’s fine” – and cheap…", "cp1252"),  # signs alone: English, most likely
        ("well—not really", "cp1252"),
        ("The Øresund film is the best of the year", "cp1252"),  # a name in another language
    ],
)
def test_an_english_text_with_a_few_other_signs(text, encoding):
    assert guess_code_page(text.encode(encoding)) == encoding


def test_bytes_that_fit_no_language_are_not_named():
    assert guess_code_page(b"x\xb2y\xdbz q\xb1w\xb3") is None
