"""Numbers in few bytes: a table as base64 of little-endian integers or floats, read back by ``static/data.js``.

Called by `page`. 100,000 trials take about 2 MB so, and a browser reads them in milliseconds.
"""

import base64
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

STEP = 1e-4
"""Resolution of shares such as F1: half of it is the largest error."""
_WHOLE = ((np.uint8, "Uint8Array"), (np.uint16, "Uint16Array"))


def packed(table: pd.DataFrame) -> dict[str, Any]:
    """The values row by row, with the typed array and the factor that give them back; the largest integer is NaN.

    Whole numbers are exact, shares in [0, 1] rounded to `STEP`, anything else is a 32-bit float.
    """
    values: NDArray[np.float64] = table.to_numpy(dtype=np.float64, na_value=np.nan).ravel()
    finite = values[np.isfinite(values)]
    factor = 1.0
    if len(finite) and (finite != np.round(finite)).any() and finite.min() >= 0 and finite.max() <= 1:
        factor, values = STEP, values / STEP
        finite = finite / STEP
    if factor != 1.0 or (finite == np.round(finite)).all():
        for dtype, name in _WHOLE:
            missing = np.iinfo(dtype).max
            if not len(finite) or (finite.min() >= 0 and np.round(finite.max()) < missing):
                whole = np.where(np.isfinite(values), np.round(np.nan_to_num(values)), missing)
                return _entry(name, factor, missing, whole.astype(np.dtype(dtype).newbyteorder("<")))
    return _entry("Float32Array", 1.0, None, values.astype("<f4"))


def _entry(array: str, factor: float, missing: int | None, values: NDArray[Any]) -> dict[str, Any]:
    return {"array": array, "factor": factor, "missing": missing, "base64": base64.b64encode(values.tobytes()).decode()}
