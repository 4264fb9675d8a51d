"""What each command of the command line does."""

from labmtj.commands import benches, others, records, runs

GROUPS = (runs, records, benches, others)
"""in the order of the help"""
