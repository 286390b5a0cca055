"""Rating of posts, and lexicons.

Imports project and sentiment/model.
Stages evaluate and score.
"""
