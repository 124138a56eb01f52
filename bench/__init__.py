"""Side-by-side benchmarks: every figure is a ratio against a peer, taken in the same run on the same machine."""
