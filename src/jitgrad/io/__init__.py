"""Read, stream and write tables."""
