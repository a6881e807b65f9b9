"""what is kept: the database, pictures as files, conversations, adapters' notes."""
