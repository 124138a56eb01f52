"""A network of our own with a known truth: one TUN device whose far side answers as programmed and logs every packet.

`python -m tests.netlab` runs the far side inside a network namespace; `rig` builds the namespace, starts it and talks to it.
Times inside are CLOCK_MONOTONIC nanoseconds, which every process of the machine shares.
"""
