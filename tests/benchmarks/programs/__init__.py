"""
What runs in an interpreter of its own, and imports nothing of the tests.
"""
