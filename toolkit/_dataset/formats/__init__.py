"""One file a format: how labels and images are found in it."""
