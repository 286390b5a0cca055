"""Collection from X onto the disk: settings, budget, the folder of pages, the collector.

Imports project, privacy/keys and collect/x_api.
Stage pull, for the budget it shows.
"""
