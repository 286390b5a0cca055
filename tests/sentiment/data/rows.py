"""Rows of labelled posts, as frames and as files in Sentiment140's format."""

import csv
import gzip

import pandas as pd

TEST_SET = "testdata.manual.2009.06.14.csv"


def line(label, text, query="NO_QUERY", number=""):
    return (str(label), number, "Mon May 11 03:17:40 UTC 2009", query, "", text)


def write(path, rows):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="latin-1", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return path


def posts(*pairs):
    rows = [(label, "NO_QUERY", text) for label, text in pairs]
    return pd.DataFrame(rows, columns=["label", "query", "text"]).astype({"label": "int8"})


def balanced(rows):
    return posts(*((4 * (i % 2), f"post number {i:04d}") for i in range(rows)))


def texts(frame):
    return set(frame["text"])
