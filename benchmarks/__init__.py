"""The harness: grid -> datasets -> executor -> store -> scoring -> summary and figures, each a step over files."""
