"""Privacy as arithmetic: bins, cells, attacks, aggregates, the certificate.

Imports project. Touches no file.
Stages pull, score, load, cluster and publish.
"""
