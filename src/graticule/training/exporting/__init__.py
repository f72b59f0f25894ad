"""A run becomes a bundle: its graph, the proof that it does what the network does, and its card."""
