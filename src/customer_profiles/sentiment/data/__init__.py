"""Labelled posts: Sentiment140 and those labelled by people, their download, sets and figures.

Imports project and sentiment/model.
Stages fetch and evaluate.
"""
