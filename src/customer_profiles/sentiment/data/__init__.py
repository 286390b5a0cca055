"""Labelled posts: Sentiment140, its download, its figures.

Imports project and sentiment/model (normalisation of texts).
Stages fetch and evaluate.
"""
