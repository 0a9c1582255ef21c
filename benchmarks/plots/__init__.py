"""The figures of a run, one subject a file; `benchmarks.figures` decides which of them a run gets, and saves them."""
