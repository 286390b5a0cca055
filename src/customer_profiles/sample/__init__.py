"""The generator of the shipped sample: personas, campaigns, pages.

Imports project.
No stage; its files are committed.
"""
