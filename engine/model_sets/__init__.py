"""model sets: their descriptions as TOML, and how weights are fetched, converted and verified."""
