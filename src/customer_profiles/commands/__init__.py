"""The command customer-profiles: each subcommand imports its room when it is called.

Imports any room. No room imports it.
Every stage is run by it: customer-profiles run STAGE.
"""
