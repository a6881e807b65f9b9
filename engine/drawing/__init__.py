"""a drawing from Request to Events: models, steps, checkpoints, provenance."""
