"""MLflow: runs, artefacts, provenance.

Imports project.
Stages finetune, evaluate and cluster.
"""
