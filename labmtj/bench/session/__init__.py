"""A bench from the first connection until it is safe again."""
