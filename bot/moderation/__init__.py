"""moderation: bans, roles, the word list, verdicts on pictures (NSFW and the like), erasure."""
