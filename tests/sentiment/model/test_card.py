"""The card of a model: what it says, and what it warns of."""

import pytest

from customer_profiles.sentiment.model import card

MEASURED = {"accuracy": 0.7, "low": 0.68, "high": 0.72, "n": 2000, "macro_recall": 0.69}
ROWS = {"emoticons": 1030, "people": 2521}


def test_a_card_is_read_as_it_was_written(tmp_path):
    written = card.Card(False, ROWS, card.LEARNED, MEASURED, ("en", "de"))
    card.write(tmp_path, written)
    assert card.read(tmp_path) == written


def test_a_model_without_a_card_or_with_another_is_refused_with_the_stage(tmp_path):
    with pytest.raises(ValueError, match=r"has no assets\.extra/card\.json; run `dvc repro finet"):
        card.read(tmp_path)
    (tmp_path / card.CARD).parent.mkdir()
    for content in ("{", "[]", '{"languages": ["en"]}', '{"languages": 1}'):
        (tmp_path / card.CARD).write_text(content)
        with pytest.raises(ValueError, match="must hold invented, rows, subjectivity, valid"):
            card.read(tmp_path)


def test_a_model_of_invented_posts_is_warned_of_with_the_way_out():
    text = card.caution(card.Card(True, ROWS, card.LEARNED, MEASURED))
    assert "learned from invented posts, and from none that people labelled" in text
    assert "PROFILE=standard" in text
    assert card.caution(card.Card(False, ROWS, card.LEARNED, MEASURED)) == ""


def test_the_digest_changes_with_any_file_of_the_model(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"graph")
    card.write(tmp_path, card.Card(True, ROWS, card.LEARNED, MEASURED))
    first = card.scorer(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"other")
    assert card.scorer(tmp_path) != first
