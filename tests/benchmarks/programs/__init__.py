"""
Programs for a fresh interpreter, which import nothing from the tests.
"""
