"""Texts are made uniform for the model, and no handle or address survives."""

import pytest

from customer_profiles.sentiment.model.text import mask_handles, normalise, repair, unescape


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("@some_body https://example.com/2a - Awww, what now?", "@user http - Awww, what now?"),
        ("\uff20some_body hi", "@user hi"),
        ("see you @ the shop", "see you @ the shop"),
        ("to jo.do+x@mail.example.org!", "to email!"),
        ("www.example.com/a?b=c is up", "http is up"),
        ("awwww... and www. too", "awwww... and www. too"),
        ("at https://example.com/@some_body", "at http"),
        ("https://example.com/@some_body", ""),
        ("@some_body \U0001f600 jo@example.org 10/10 !!", ""),
        ("\u4e2d\u6587 \u0440\u0443\u0441\u0441\u043a\u0438\u0439 \u0639\u0631\u0628\u064a", ""),
        ("\u4e2d\u6587 ok", "\u4e2d\u6587 ok"),
        ("Tom &amp; Jerry &lt;3 &gt; &quot;a&quot; &#39;b&apos;", "Tom & Jerry <3 > \"a\" 'b'"),
        ("&amp;lt;3", "&lt;3"),
        ("\t a\r\n\x00b\xa0\x85 c \n", "a b c"),
        (" \n ", ""),
        ("", ""),
        ("naïve 😀 ok", "naïve 😀 ok"),
    ],
)
def test_a_text_is_normalised(raw, expected):
    assert normalise(raw) == expected


def test_masking_replaces_handles_and_addresses_and_nothing_else():
    raw = "RT  @some_body:\tmail jo@example.org &amp; see http://example.com/@other"
    masked = "RT  @user:\tmail email &amp; see http://example.com/@user"
    assert mask_handles(raw) == masked


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("&lt;3", "<3"), ("&amp;lt;3", "<3"), ("&amp;amp;lt;", "&lt;"), ("&", "&")],
)
def test_entities_are_resolved_twice(raw, expected):
    assert unescape(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("so \u00f0\u009f\u0098\u0080", "so 😀"),  # the four bytes F0 9F 98 80, read as Latin-1
        ("caf\u00c3\u00a9", "café"),
        ("café", "café"),
        ("café and caf\u00c3\u00a9", "café and caf\u00c3\u00a9"),
        ("5 €", "5 €"),
        ("plain", "plain"),
    ],
)
def test_utf_8_read_as_latin_1_is_put_right(raw, expected):
    assert repair(raw) == expected
