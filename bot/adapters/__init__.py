"""adapters: one folder a chat platform; each platform's library is imported in its own folder only."""
