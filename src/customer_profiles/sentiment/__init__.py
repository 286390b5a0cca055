"""The sentiment model, in five rooms by what a change of each costs.

Holds no module of its own.
Stages fetch, encoder, finetune, evaluate and score.
"""
