"""The TensorFlow graph in front of an encoder: raw text to numbers of word pieces."""

from customer_profiles.sentiment.model.backend import tf, tf_text
from customer_profiles.sentiment.model.pretrained.checkpoint import Checkpoint

INPUTS = ("input_word_ids", "input_mask", "input_type_ids")


class Preprocess(tf.Module):
    """Raw text to an encoder's three inputs, trimmed and padded to `sequence_length` tokens."""

    def __init__(self, checkpoint: Checkpoint, sequence_length: int):
        super().__init__()
        tokens = checkpoint.vocabulary.read_text(encoding="utf-8").splitlines()
        self.vocabulary = tf.saved_model.Asset(str(checkpoint.vocabulary))
        # Nothing gets the number beyond the vocabulary: the tokenizer gives [UNK] for what it does
        # not know.
        table = tf.lookup.StaticVocabularyTable(
            tf.lookup.TextFileInitializer(
                self.vocabulary, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            num_oov_buckets=1,
        )  # fmt: skip
        self.table = table
        self.tokenizer = tf_text.BertTokenizer(
            table, token_out_type=tf.int32, lower_case=checkpoint.lower_case
        )
        self.trimmer = tf_text.RoundRobinTrimmer(max_seq_length=sequence_length - 2)
        self.start, self.end, self.padding = map(tokens.index, checkpoint.special)
        self.sequence_length = sequence_length

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def __call__(self, text):
        """`text` string (n,) → dict of three int32 (n, sequence_length)."""
        tokens = self.tokenizer.tokenize(text).merge_dims(-2, -1)
        (tokens,) = self.trimmer.trim([tokens])
        ids, types = tf_text.combine_segments([tokens], self.start, self.end)
        word_ids, mask = tf_text.pad_model_inputs(ids, self.sequence_length, self.padding)
        type_ids, _ = tf_text.pad_model_inputs(types, self.sequence_length)
        return dict(zip(INPUTS, (word_ids, mask, type_ids), strict=True))
