"""The shared-socket ICMP engine: one socket per family and way out, replies read lazily because the kernel stamped them on arrival."""
