// Who is ahead over a choice of data sets. All data sets, and single cells, come computed from Python
// (benchmarks/reporting/verdict.py); any other choice is compared here by the same rules with normal intervals.
"use strict";
Report.views = (() => {
  const { raw, unpack } = Report;
  const M = raw.methods.length;
  const FEWEST = 30; // data sets for a claim by the normal approximation
  const FIELDS = ["method", "mean", "low", "high", "rank", "wins", "gap", "gapLow", "gapHigh", "p", "behind"];
  const values = Object.fromEntries(Object.entries(raw.values).map(([name, packed]) => [name, unpack(packed)]));
  const status = unpack(raw.status);
  const runtime = unpack(raw.seconds);

  const named = (view) => ({
    n: view.n, sure: view.sure, exact: true, partial: view.partial,
    rows: view.rows.map((row) => Object.fromEntries(FIELDS.map((field, k) => [field, row[k]]))),
  });

  function chosen(cells) { // data sets of cells
    return cells.flatMap((c) => Array.from({ length: raw.cells[c].stop - raw.cells[c].start }, (_, k) => raw.cells[c].start + k));
  }

  function view(metric, cells) {
    if (cells.length === raw.cells.length) return named(raw.views[metric]);
    if (cells.length === 1) return named(raw.cellViews[metric][cells[0]]);
    return compare(values[metric], chosen(cells), raw.metrics.find((m) => m.name === metric).better);
  }

  function compare(table, dataSets, better) {
    const sign = better === "lower" ? 1 : -1;
    const at = (dataset, method) => table[dataset * M + method];
    const methods = raw.methods.map((_, m) => m);
    const rows = dataSets.filter((dataset) => methods.some((m) => !Number.isNaN(at(dataset, m))));
    const counts = methods.map((m) => rows.filter((dataset) => !Number.isNaN(at(dataset, m))).length);
    const ranked = methods.filter((m) => rows.length && counts[m] === rows.length);
    const partial = methods.filter((m) => counts[m] && counts[m] < rows.length).map((m) => [m, counts[m]]);
    const result = ranked.map((m) => ({ method: m, ...moments(rows.map((r) => at(r, m))), ...places(m) }));
    result.sort((a, b) => sign * (a.mean - b.mean));
    const leader = result[0];
    result.forEach((row) => gap(row));
    correct(result.slice(1));
    const foreign = (m) => raw.methods[m].family !== raw.methods[leader?.method]?.family;
    const rivals = result.filter((row) => foreign(row.method));
    const spoilt = partial.some(([m]) => leader && foreign(m) && ahead(m));
    return { n: rows.length, sure: rivals.length > 0 && rivals.every((row) => row.behind) && !spoilt, exact: false, partial, rows: result };

    function ahead(m) { // as good as the leader on the data sets that it has
      const own = rows.filter((r) => !Number.isNaN(at(r, m)));
      return own.reduce((sum, r) => sum + sign * (at(r, m) - at(r, leader.method)), 0) <= 0;
    }

    function places(m) {
      let rank = 0, wins = 0;
      for (const dataset of rows) {
        const mine = sign * at(dataset, m);
        let before = 0, ties = 0;
        for (const other of ranked) {
          const value = sign * at(dataset, other);
          if (value < mine) before++;
          else if (value === mine) ties++;
        }
        rank += before + (ties + 1) / 2;
        if (!before) wins++;
      }
      return { rank: rank / rows.length, wins };
    }

    function gap(row) {
      if (row === leader) return Object.assign(row, { gap: 0, gapLow: null, gapHigh: null, p: null, behind: 0 });
      const { mean, low, high, error } = moments(rows.map((r) => at(r, row.method) - at(r, leader.method)));
      Object.assign(row, { gap: mean, gapLow: low, gapHigh: high });
      row.p = rows.length < FEWEST ? null : error > 0 ? tail(Math.abs(mean) / error) : mean === 0 ? 1 : 0;
    }

    function correct(others) { // Holm over all pairs, those not tested as p = 1
      const pairs = (ranked.length * (ranked.length - 1)) / 2;
      let largest = 0;
      [...others].sort((a, b) => a.p - b.p).forEach((row, k) => {
        if (row.p !== null) row.p = largest = Math.min(1, Math.max(largest, (pairs - k) * row.p));
        row.behind = Number(row.p !== null && row.p <= 0.05 && (row.gapLow > 0 || row.gapHigh < 0));
      });
    }
  }

  function moments(sample) {
    const mean = sample.reduce((sum, v) => sum + v, 0) / sample.length;
    if (sample.length < 2) return { mean, low: null, high: null, error: NaN };
    const variance = sample.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (sample.length - 1);
    const error = Math.sqrt(variance / sample.length);
    return { mean, low: mean - 1.96 * error, high: mean + 1.96 * error, error };
  }

  function tail(z) { // two-sided normal p; Abramowitz and Stegun 26.2.17, off by less than 1.5e-7
    const t = 1 / (1 + 0.2316419 * z);
    const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
    return Math.min(1, 2 * 0.3989422804014327 * Math.exp((-z * z) / 2) * series);
  }

  function trialsOf(method, cells) { // planned, failed, and the median seconds of those that did not fail
    const own = chosen(cells).map((dataset) => dataset * M + method).filter((t) => !Number.isNaN(status[t]));
    const times = own.map((t) => runtime[t]).filter((v) => !Number.isNaN(v)).sort((a, b) => a - b);
    const middle = times.length >> 1;
    const median = times.length % 2 ? times[middle] : (times[middle - 1] + times[middle]) / 2;
    return { planned: own.length, failed: own.filter((t) => status[t] !== 0).length, seconds: times.length ? median : NaN };
  }

  return { view, values, status, runtime, chosen, trialsOf, FEWEST };
})();
