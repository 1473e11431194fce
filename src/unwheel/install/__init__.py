"""
Installing wheels: a pair for `installer`, and all that is around it.
"""
