"""Reading, streaming and writing tables."""
