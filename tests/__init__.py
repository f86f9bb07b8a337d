"""
The tests. Those that search for a counterexample are not judged by the clock.

They search the same way each time. Search anew with `pytest --hypothesis-profile=default`.
"""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None, max_examples=50, derandomize=True)
settings.load_profile("unhurried")
