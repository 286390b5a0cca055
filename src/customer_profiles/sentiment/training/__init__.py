"""Training: batches, backups, temperature, fine-tuning, learning curves.

Imports project and sentiment/model.
Stages finetune and evaluate.
"""
