"""How many cases: a few, always the same, among all tests; thousands, always others, with `make fuzz`."""

import os

from hypothesis import HealthCheck, Phase, settings

# Explaining a failure traces each line, which makes a case ten times slower
PHASES = (Phase.explicit, Phase.generate, Phase.shrink)
FREE = {
    "phases": PHASES,
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}  # a busy machine fails no test

settings.register_profile("few", max_examples=50, derandomize=True, **FREE)
settings.register_profile("many", max_examples=int(os.environ.get("CASES", "3400")), print_blob=True, **FREE)
settings.load_profile(os.environ.get("FUZZ", "few"))
