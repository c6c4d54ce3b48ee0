"""Units that energy, time and memory are converted between; SI inside, these at the boundary."""

J_PER_WH = 3600.0
J_PER_KWH = 3.6e6
S_PER_HOUR = 3600.0
S_PER_DAY = 86_400.0
S_PER_YEAR = 365 * S_PER_DAY
GIB = 2**30  # bytes

PER = 1000  # inferences that energy, emissions, cost and heat are given for
