"""
What an audit is made of: findings, what rules may look at, and the rules.
"""
