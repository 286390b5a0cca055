"""Rating of posts: polarity, subjectivity and class.

Imports project and sentiment/model.
Stages evaluate and score.
"""
