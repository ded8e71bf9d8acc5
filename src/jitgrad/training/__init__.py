"""Training: the native loop over steps, and the code around it."""
