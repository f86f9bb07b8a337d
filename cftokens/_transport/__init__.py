"""
How one request travels: its turn, its tries, the connection, and what the answer means.
"""
