"""Data of finished runs for people: typed access, datasets, lists, exports, comparisons."""
