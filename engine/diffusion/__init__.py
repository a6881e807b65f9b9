"""the algorithm: noise schedule, samplers, denoisers and CLIP guidance."""
