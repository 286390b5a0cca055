"""The two architectures that are understood, and the names and shapes of their weights.

Names are the project's own. `published` gives those of a Hugging Face checkpoint, in which the
kernels of dense layers are transposed.
"""

from dataclasses import dataclass

# The first token of a post, the last one, and padding.
SPECIAL = {"BERT": ("[CLS]", "[SEP]", "[PAD]"), "MPNet": ("<s>", "</s>", "<pad>")}
UNKNOWN = "[UNK]"

_DENSE = {"kernel": "weight", "bias": "bias"}
_NORM = {"scale": "weight", "shift": "bias"}
_FEED_FORWARD = {"inner": "intermediate.dense", "outer": "output.dense", "norm": "output.LayerNorm"}
_LAYER = {
    "BERT": {
        "attention/query": "attention.self.query",
        "attention/key": "attention.self.key",
        "attention/value": "attention.self.value",
        "attention/output": "attention.output.dense",
        "attention/norm": "attention.output.LayerNorm",
        **_FEED_FORWARD,
    },
    "MPNet": {
        "attention/query": "attention.attn.q",
        "attention/key": "attention.attn.k",
        "attention/value": "attention.attn.v",
        "attention/output": "attention.attn.o",
        "attention/norm": "attention.LayerNorm",
        **_FEED_FORWARD,
    },
}
_TABLES = {
    "embeddings/words": "embeddings.word_embeddings.weight",
    "embeddings/positions": "embeddings.position_embeddings.weight",
    "embeddings/types": "embeddings.token_type_embeddings.weight",
    "attention_bias": "encoder.relative_attention_bias.weight",
}


@dataclass(frozen=True)
class Architecture:
    """Kind (BERT or MPNet) and sizes of an encoder.

    `words`, `positions` and `types` are rows of the embedding tables, `buckets` those of the
    relative position bias, which all layers share; 0 where there is no such table.
    """

    kind: str
    layers: int
    heads: int
    width: int
    inner: int
    words: int
    positions: int
    types: int = 2
    buckets: int = 0
    first_position: int = 0
    epsilon: float = 1e-12
    activation: str = "gelu"
    pooler: bool = True

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each weight by its name."""
        tables = {
            "embeddings/words": (self.words, self.width),
            "embeddings/positions": (self.positions, self.width),
            "embeddings/types": (self.types, self.width),
            "attention_bias": (self.buckets, self.heads),
        }
        shapes = {name: shape for name, shape in tables.items() if shape[0]}
        shapes |= self._norm("embeddings/norm")
        for number in range(self.layers):
            at = f"layer_{number}"
            for part in ("query", "key", "value", "output"):
                shapes |= _dense(f"{at}/attention/{part}", self.width, self.width)
            shapes |= self._norm(f"{at}/attention/norm")
            shapes |= _dense(f"{at}/inner", self.width, self.inner)
            shapes |= _dense(f"{at}/outer", self.inner, self.width)
            shapes |= self._norm(f"{at}/norm")
        return shapes | (_dense("pooler", self.width, self.width) if self.pooler else {})

    def published(self, name: str) -> str:
        """Name of the weight `name` in a Hugging Face checkpoint, without a prefix."""
        if name in _TABLES:
            return _TABLES[name]
        module, _, last = name.rpartition("/")
        last = (_DENSE | _NORM)[last]
        if module == "embeddings/norm":
            return f"embeddings.LayerNorm.{last}"
        if module == "pooler":
            return f"pooler.dense.{last}"
        layer, _, part = module.partition("/")
        number = layer.removeprefix("layer_")
        return f"encoder.layer.{number}.{_LAYER[self.kind][part]}.{last}"

    def _norm(self, name: str) -> dict[str, tuple[int, ...]]:
        return {f"{name}/scale": (self.width,), f"{name}/shift": (self.width,)}


def _dense(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}/kernel": (inputs, outputs), f"{name}/bias": (outputs,)}
