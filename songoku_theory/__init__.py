"""The mathematics of SON-GOKU and its reference scheduler: pure functions, no files, no plots."""
