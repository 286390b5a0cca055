"""The REST API: Django REST Framework over the current publication.

Imports project, publication, publication/page and store. Starts without TensorFlow and pandas.
No stage.
"""
