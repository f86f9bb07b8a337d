"""
The tests. Those that search for a counterexample are not judged by the clock.
"""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None, max_examples=50)
settings.load_profile("unhurried")
