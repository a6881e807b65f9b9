"""the web adapter: a local chat page that needs no account and no network."""
