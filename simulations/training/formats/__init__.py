"""Readers of the file formats that data sets are published in, one format a file.

Each returns numpy arrays after checking all that can be checked without knowing what the file is
used for, and says in one error what is wrong with a file. None runs code that a file brings along.
"""
