"""Bench files: what they say, how they are read, and what follows from them before anything is opened."""
