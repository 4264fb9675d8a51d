"""The one network that joins channels, relays, cables and array, and the time that passes for it."""
