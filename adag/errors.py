"""Errors that a user can mend: raised everywhere, turned into one line and exit code 2 by the commands.

Anything else that escapes is a defect of ours and keeps its traceback.
"""


class UsageError(ValueError):
    """A request that cannot be carried out as asked; the message names the thing and the mend."""


class DataError(UsageError):
    """A data set that cannot be analysed: NaN, a constant column, text, a wrong shape, ..."""


class CheckpointError(UsageError):
    """A checkpoint that is missing, truncated, foreign or of another architecture."""
