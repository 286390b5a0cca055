"""Rows of a training: posts labelled by emoticons mixed with posts labelled by people.

An answer is 1, 0, or NaN where the label says nothing about the question: emoticons stand for a
feeling, but posts without any were never collected; and a neutral post is neither good nor bad.
"""

from dataclasses import dataclass

import numpy as np

from customer_profiles.sentiment.model.layers import QUESTIONS

Tokens = dict[str, np.ndarray]
Rows = tuple[Tokens, np.ndarray]  # tokens of n posts, and their answers float32 (n, 2)
NEUTRAL, POSITIVE = 2, 4  # Sentiment140's codes


@dataclass(frozen=True, eq=False)
class Sources:
    """Tokens and labels (codes) of the posts of each source, and of the validation posts.

    People labelled those of `people` and `validation`, emoticons those of `emoticons`.
    """

    emoticons: tuple[Tokens, np.ndarray]
    people: tuple[Tokens, np.ndarray]
    validation: tuple[Tokens, np.ndarray]

    def validation_rows(self) -> Rows:
        """Rows of the validation posts."""
        tokens, labels = self.validation
        return tokens, answers(labels)

    def sizes(self, mix: float, rows: int, repeat: int) -> tuple[int, int]:
        """Numbers of rows of a training from emoticons and from people, as `sizes` says."""
        return sizes(len(self.emoticons[1]), len(self.people[1]), mix, rows, repeat)

    def training_rows(
        self, mix: float, rows: int, seed: int, questions: int, repeat: int = 1
    ) -> Rows:
        """Rows drawn from both sources with `seed`, the emoticons' first, as many as `sizes` says.

        Posts are drawn again only when all of their source have been. Rows that have no answer to
        the first `questions` are left out.
        """
        rng = np.random.default_rng(seed)
        ours, theirs = (
            np.resize(rng.permutation(len(source[1])), size)
            for source, size in zip(
                (self.emoticons, self.people), self.sizes(mix, rows, repeat), strict=True
            )
        )
        tokens = {
            name: np.concatenate([part[ours], self.people[0][name][theirs]])
            for name, part in self.emoticons[0].items()
        }
        by_emoticon = answers(self.emoticons[1][ours])
        by_emoticon[:, QUESTIONS.index("subjectivity")] = np.nan
        known = np.concatenate([by_emoticon, answers(self.people[1][theirs])])
        asked = ~np.isnan(known[:, :questions]).all(axis=1)
        return {name: part[asked] for name, part in tokens.items()}, known[asked]


def answers(labels: np.ndarray) -> np.ndarray:
    """Answers float32 (n, 2) to QUESTIONS of posts with the codes `labels` (n,): 0, 2 or 4."""
    polar = labels != NEUTRAL
    valence = np.where(polar, labels == POSITIVE, np.nan)
    return np.column_stack([valence, polar]).astype(np.float32)


def sizes(emoticons: int, people: int, mix: float, rows: int, repeat: int = 1) -> tuple[int, int]:
    """Number of rows drawn from each source, of which there are `emoticons` and `people` posts.

    `mix` is the share of the first source in all `rows` (0: as many as there are with that share);
    each of its posts may be drawn `repeat` times. Raises ValueError when a source has too few.
    """
    both = (emoticons * repeat, mix), (people, 1 - mix)
    limits = [posts / share for posts, share in both if share]
    most = int(min(limits) + 1e-6)  # 1030 / 0.29 * 0.29 is a little less than 1030
    if rows > most:
        raise ValueError(
            f"finetune.rows must be 0 (all) to {most} with finetune.mix={mix}, because there are "
            f"{emoticons} posts labelled by emoticons (finetune.repeat={repeat}) and {people} by "
            f"people; got {rows}"
        )
    total = rows or most
    ours = round(total * mix)
    return ours, total - ours
