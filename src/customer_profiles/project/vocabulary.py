"""Names of classes, flags, fields and attackers, as readers see them.

Imports nothing, so that the page's server starts without pandas.
"""

# Classes of posts, in order of polarity.
CLASSES = ("negative", "neutral", "positive")
# Sentiment140's codes of the classes.
LABELS = dict(zip((0, 2, 4), CLASSES, strict=True))
# Exact counts: of the post, and of its author (account_age in months).
POST_COUNTS = ("favorites", "retweets")
AUTHOR_COUNTS = ("followers", "following", "listed", "account_posts", "account_age")
# A count that no page gave.
UNKNOWN = -1
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Flags of posts like those of a campaign: the first that applies; other posts are UNFLAGGED.
FLAGS, UNFLAGGED = ("copies", "burst", "links"), ""
# Verdicts on segments: the three cases of Dolnicar and Leisch (2010), natural, reproducible and
# constructive, of which the last is not published; and a number set by the operator.
IN_KIND, BY_DEGREE, EVERYBODY, BY_HAND = "in kind", "by degree", "everybody", "by hand"
VERDICT_NAMES = {
    IN_KIND: "groups in kind",
    BY_DEGREE: "groups by degree",
    EVERYBODY: "everybody",
    BY_HAND: "drawn by hand",
}
# Their meaning, for a reader who knows no statistics.
VERDICTS = {
    IN_KIND: "The groups are distinct: there are few people between them.",
    BY_DEGREE: "People differ by degree, and the groups are parts of a continuum. Their borders "
    "come out at the same places again, but who is near a border is like both sides.",
    EVERYBODY: "No groups can be drawn that would come out the same again and may all be shown, so "
    "everybody is described together.",
    BY_HAND: "The operator asked for this number of groups; the evidence did not choose it.",
}
# Fields of posts and profiles.
FIELDS = {
    "polarity": "polarity",
    "subjectivity": "subjectivity",
    "favorites": "likes a post",
    "retweets": "retweets a post",
    "posts": "posts about the brand",
    "followers": "followers",
    "following": "accounts followed",
    "listed": "lists it is on",
    "account_posts": "posts of the account",
    "account_age": "months on X",
    "verified": "verified",
    "protected": "protected",
}
# Knowledge and method of each attacker of the certificate.
ATTACKERS = {
    "exact_join": "looks up everybody's counts and compares them with the tiers of the cells",
    "drifted_join": "does the same some time later, when the counts have changed",
    "rescoring_join": "runs our model on every post, and so knows everybody's segment and tiers",
    "differencing": "compares two publications, before and after some people left",
    "small_groups": "subtracts published numbers from each other, to find a small group",
    "extreme_values": "knows all members of a segment but the highest or lowest; uses one average "
    "and its index",
    "last_member": "knows all members of a segment but one; uses averages, indices, shares of "
    "posts and centroid together",
}


def at_least(count: int, k: int) -> int | str:
    """`count` as a number of people is shown: "<k" below k."""
    return int(count) if count >= k else f"<{k}"
