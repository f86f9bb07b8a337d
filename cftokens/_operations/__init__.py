"""
What is asked for: each operation, from what callers pass to what they get back.
"""
