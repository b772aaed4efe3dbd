"""What holds for every test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A busy machine makes no property false: nothing here is judged by the clock.
settings.register_profile("mcpool", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mcpool")
