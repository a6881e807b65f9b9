"""what people type: commands, options, styles."""
