"""the picture book: an embedded model set that knows some hundreds of named things on plain colours and in settings."""
