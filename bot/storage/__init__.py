"""storage: the database, pictures as files, conversations, adapters' notes."""
