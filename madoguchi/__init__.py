"""Madoguchi (窓口): the returns-and-cancellations desk of a Japanese online shop."""
