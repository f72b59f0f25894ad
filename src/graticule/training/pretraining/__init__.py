"""Pre-training a masked autoencoder on photos alone: the loop, the loaders and the run folder of training."""
