"""Training: one native loop over steps, and what stands around it."""
