"""moderation: bans, roles, the word list, verdicts on pictures, erasure of what is kept."""
