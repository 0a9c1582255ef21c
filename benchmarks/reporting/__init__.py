"""What `benchmarks.report` writes: one page a run, and one over all runs, that open from disk without a network."""
