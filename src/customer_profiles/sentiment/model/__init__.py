"""The model: normalisation of texts, encoder, classifier, scorer.

Imports project.
Stages fetch, encoder, finetune, evaluate and score.
"""
