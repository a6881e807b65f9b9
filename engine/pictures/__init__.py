"""pictures in and out: files, metadata, and pictures from outside."""
