"""The real daemon process on real input: every test here starts `slamon run` and believes only what can be seen from outside."""
