"""Customer profiles: audience segments from posts on X, without identities. The rooms:

project      where things lie, the settings, how files are written; imports no other room
sentiment    the model: data, model, training, rating of posts, evaluation
posts        files of X pages, posts and authors, flags, observations, retention
privacy      bins, cells, attacks, the certificate; keys holds the project's key
segments     clustering, the evidence for it, the verdict
publication  the published document, names, briefs, report and page
store        MongoDB
collect      collection from X onto the disk; x_api asks X, stream collects live
erasure      purge, expire, key rotation, compliance
api          the REST API
pipeline     notebooks as stages, MLflow (tracking), results
commands     the command customer-profiles
bench        benchmarks, and X on loopback
sample       the generator of the shipped sample

tests/system/test_architecture.py holds what each may import.
"""
