"""the chat platforms: each file here is the only one that imports its platform's library."""
