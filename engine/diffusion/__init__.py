"""the algorithm: noise levels, samplers, denoisers, and the guidance that pulls them."""
