"""A run of the pipeline: notebooks as stages, choice of settings, summary, results, sweep.

Imports project, pipeline/tracking, posts, segments, publication and all of sentiment.
No stage depends on it; it runs them.
"""
