"""Labelled posts: Sentiment140, its download, its figures.

Imports project and sentiment/model.
Stages fetch and evaluate.
"""
