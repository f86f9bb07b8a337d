"""
What is needed to build the package, and left out of it.
"""
