"""the local chat page: an adapter that needs no account and no network."""
