"""picture files: encoding, metadata, and pictures from outside."""
