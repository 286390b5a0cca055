"""The REST API: Django REST Framework over the current publication.

Imports project, store and publication; starts without TensorFlow, MLflow and pandas.
No stage.
"""
