"""Which packages are installed: all that are there, and the data folder as one of them."""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["labmtj", "labmtj.*", "instruments*", "procedures*"]), "labmtj.data"])
