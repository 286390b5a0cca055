"""A checkpoint in a folder: what is read of it, and what is refused."""

import json

import numpy as np
import pytest
import safetensors.numpy

from customer_profiles.sentiment.model.pretrained import checkpoint
from tests.sentiment.tiny import write_tiny_checkpoint

CONFIG, WEIGHTS, VOCABULARY = checkpoint.NEEDED
QUERY = "encoder.layer.1.attention.self.query.weight"


@pytest.fixture
def bert(tmp_path):
    return write_tiny_checkpoint(tmp_path / "bert", "bert")


def change(folder, rename=lambda name: name, **arrays):
    """Rewrite the weights, with names by `rename` and `arrays` for others; None: without it."""
    old = safetensors.numpy.load_file(folder / WEIGHTS)
    new = {rename(name): array for name, array in (old | arrays).items() if array is not None}
    safetensors.numpy.save_file(new, folder / WEIGHTS)


def configure(folder, **values):
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(config | values))


def test_sizes_and_special_tokens_are_those_of_the_kind(bert, tmp_path):
    mpnet = checkpoint.read(write_tiny_checkpoint(tmp_path / "mpnet", "mpnet"))
    assert mpnet.special == ("<s>", "</s>", "<pad>")
    model = mpnet.architecture
    assert (model.kind, model.types, model.buckets, model.first_position) == ("MPNet", 0, 32, 2)
    source = checkpoint.read(bert)
    assert source.special == ("[CLS]", "[SEP]", "[PAD]")
    model = source.architecture
    assert (model.kind, model.types, model.buckets, model.first_position) == ("BERT", 2, 0, 0)


def test_kernels_are_turned_and_every_weight_has_its_shape(bert):
    source = checkpoint.read(bert)
    arrays = dict(source.arrays())
    assert {name: array.shape for name, array in arrays.items()} == source.architecture.shapes()
    stored = safetensors.numpy.load_file(bert / WEIGHTS)
    np.testing.assert_array_equal(arrays["layer_1/attention/query/kernel"], stored[QUERY].T)


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: f"bert.{name}",
        lambda name: name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta"),
    ],
    ids=["prefix", "old names of normalisations"],
)
def test_names_of_other_writers_are_understood(bert, rename):
    before = dict(checkpoint.read(bert).arrays())
    change(bert, rename)
    after = dict(checkpoint.read(bert).arrays())
    assert before.keys() == after.keys()
    assert all((before[name] == after[name]).all() for name in before)


def test_half_precision_is_read_as_single(bert):
    half = safetensors.numpy.load_file(bert / WEIGHTS)[QUERY].astype(np.float16)
    change(bert, **{QUERY: half})
    read = dict(checkpoint.read(bert).arrays())["layer_1/attention/query/kernel"]
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, half.T.astype(np.float32))


def test_a_vocabulary_with_capitals_is_one_of_cased_text(bert):
    assert checkpoint.read(bert).lower_case
    text = (bert / VOCABULARY).read_text()
    (bert / VOCABULARY).write_text(text.replace("phone", "Phone"))
    assert not checkpoint.read(bert).lower_case


@pytest.mark.parametrize("name", checkpoint.NEEDED)
def test_a_missing_file_is_named_with_those_that_are_there(bert, name):
    (bert / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"bert holds no {name} .* needs config.json, mod"):
        checkpoint.read(bert)


def test_a_missing_folder_is_named_with_its_parameter(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*none; encoder\.folder in params\.y"):
        checkpoint.read(tmp_path / "none")


def test_pickled_weights_are_refused_with_the_way_to_safetensors(bert):
    (bert / WEIGHTS).rename(bert / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match=r"pytorch_model\.bin.*safetensors is needed"):
        checkpoint.read(bert)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model_type": "roberta"}, "a model of type roberta; understood are bert, mpnet"),
        ({"hidden_act": "silu"}, "hidden_act is silu; understood are gelu, gelu_new"),
        ({"position_embedding_type": "relative_key"}, "relative_key; understood are absolute"),
        ({"num_hidden_layers": 3}, r"holds no encoder\.layer\.2\.attention\.self\.query\.weight"),
        (
            {"hidden_size": 16},
            r"word_embeddings\.weight has the shape \(20, 32\); by config\.json it is \(20, 16\)",
        ),
        ({"vocab_size": 19}, "shape"),
    ],
)
def test_a_config_that_is_not_understood_or_does_not_fit_is_refused(bert, values, message):
    configure(bert, **values)
    with pytest.raises(ValueError, match=message):
        checkpoint.read(bert)


def test_a_config_without_a_size_is_refused_by_the_sizes_name(bert):
    (bert / CONFIG).write_text('{"model_type": "bert"}')
    with pytest.raises(ValueError, match=r"config\.json has no num_hidden_layers"):
        checkpoint.read(bert)
    (bert / CONFIG).write_text("{")
    with pytest.raises(ValueError, match=r"config\.json is no JSON"):
        checkpoint.read(bert)


def test_weights_that_are_missing_misshapen_or_of_another_type_are_named(bert):
    change(bert, **{QUERY: np.zeros((32, 31), np.float32)})
    with pytest.raises(ValueError, match=rf"{QUERY} has the shape \(32, 31\); .* it is \(32, 32\)"):
        checkpoint.read(bert)
    change(bert, **{QUERY: np.zeros((32, 32), np.float64)})
    with pytest.raises(ValueError, match=rf"{QUERY} is of type F64; save the weights as float32"):
        checkpoint.read(bert)
    change(bert, **{QUERY: None})
    with pytest.raises(ValueError, match=rf"holds no {QUERY}, which config\.json asks for"):
        checkpoint.read(bert)
    (bert / WEIGHTS).write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged"):
        checkpoint.read(bert)


def test_a_vocabulary_of_another_kind_or_with_too_many_tokens_is_refused(bert):
    text = (bert / VOCABULARY).read_text()
    (bert / VOCABULARY).write_text(text.replace("[CLS]", "<s>"))
    with pytest.raises(ValueError, match=r"vocab\.txt has no \[CLS\]: .* word pieces for BERT"):
        checkpoint.read(bert)
    (bert / VOCABULARY).write_text(f"{text}more\n")
    with pytest.raises(ValueError, match=r"has 21 tokens, but config\.json says 20"):
        checkpoint.read(bert)
