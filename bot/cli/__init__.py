"""the subcommands of `imago` other than serve."""
