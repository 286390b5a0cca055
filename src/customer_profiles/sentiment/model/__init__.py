"""The model: normalisation of texts, encoder, classifier, scorer.

Imports project, sentiment/model/pretrained.
Stages fetch, encoder, finetune, evaluate and score.
"""
