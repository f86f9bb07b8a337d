"""
Many processes under one limit: simulated with a moved clock, and real ones.
"""
