"""The parts of the `heor` generator: cells, outcome law, column laws, and the latent normal law that ties them."""
