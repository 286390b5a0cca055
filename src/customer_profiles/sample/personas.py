"""Personas of the shipped brand archive: five kinds of invented people, to be found by clustering.

They differ in mood, in number and times of posts, and in their accounts.
"""

from dataclasses import dataclass

# How much of an account's counts comes from one common cause, its fame.
FAME = {"followers": 0.8, "following": 0.4, "listed": 0.8, "account_posts": 0.5}


@dataclass(frozen=True)
class Persona:
    """One hidden group. Counts are log-normal: (median, spread of the natural logarithm)."""

    share: float
    posts: tuple[int, float, int]  # least, about the mean, most
    mood: tuple[float, float, float]  # shares of negative, neutral and positive
    followers: tuple[float, float]
    following: tuple[float, float]
    listed: tuple[float, float]
    account_posts: tuple[float, float]
    favorites: tuple[float, float]
    retweets: tuple[float, float]
    joined: tuple[int, int]  # first and last year
    verified: tuple[float, float]  # shares of blue, and of business or government
    active: tuple[float, int]  # posts of a Saturday or Sunday per post of another day; busiest hour


PERSONAS = {
    "loyal local": Persona(
        0.24, (2, 5.2, 10), (0.03, 0.12, 0.85), (180, 0.8), (260, 1.2), (1, 1.2), (800, 0.9),
        (2, 0.9), (0.4, 0.9), (2009, 2023), (0.04, 0), (0.8, 8),
    ),
    "let-down customer": Persona(
        0.21, (2, 3.2, 7), (0.90, 0.08, 0.02), (900, 0.8), (550, 1.2), (6, 1.4), (6000, 0.9),
        (3, 1.0), (2.5, 1.0), (2009, 2022), (0.10, 0), (1.0, 18),
    ),
    "broadcaster": Persona(
        0.17, (1, 1.8, 4), (0.03, 0.90, 0.07), (300_000, 1.0), (350, 2.0), (2500, 1.8),
        (60_000, 0.7), (10, 1.1), (5, 1.0), (2007, 2015), (0.15, 0.75), (0.25, 11),
    ),
    "creator": Persona(
        0.17, (3, 6.6, 12), (0.04, 0.12, 0.84), (40_000, 0.9), (2000, 1.3), (200, 1.5),
        (25_000, 0.7), (140, 1.1), (30, 1.1), (2008, 2019), (0.45, 0.03), (2.2, 14),
    ),
    "quiet newcomer": Persona(
        0.21, (1, 1.15, 2), (0.08, 0.84, 0.08), (6, 0.8), (40, 1.5), (0.1, 1.0), (20, 0.9),
        (0.3, 0.9), (0.1, 0.7), (2025, 2026), (0.02, 0), (1.4, 21),
    ),
}  # fmt: skip
