"""the figures of docs/benchmarks.md, one file each; nothing at run time imports it."""
