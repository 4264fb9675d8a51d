"""From a bias to relays and levels: pure planning, and the one place that moves relays."""
