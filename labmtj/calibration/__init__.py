"""From a log to a twin: an array file with the chip's own cells and wires, and how well it predicts."""
