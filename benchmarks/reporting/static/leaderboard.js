// The filters and the table of methods. `Report.filters.onchange` tells the map and the trials of a new choice.
"use strict";
Report.filters = (() => {
  const { raw, element, select } = Report;
  const listeners = [];
  const state = { metric: raw.default, cells: raw.cells.map((_, c) => c) };
  const bar = document.getElementById("filters");
  const counted = element("output", { id: "counted" });

  function apply() {
    const wanted = raw.facets.map(({ name, levels }) => [name, levels[document.getElementById(`by-${name}`).value]]);
    const fits = (cell) => wanted.every(([name, value]) => value === undefined || cell[name] === value);
    state.cells = raw.cells.flatMap((cell, c) => (fits(cell) ? [c] : []));
    const count = Report.views.chosen(state.cells).length;
    const some = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
    counted.textContent = `${some(count, "data set")} in ${some(state.cells.length, "cell")}`;
    listeners.forEach((listener) => listener(state));
  }

  function choose(cell) { // the cells like this one: the map's buttons
    for (const { name, levels } of raw.facets) {
      document.getElementById(`by-${name}`).value = cell === null ? "" : levels.indexOf(raw.cells[cell][name]);
    }
    apply();
  }

  if (raw.default !== null) {
    const metrics = raw.metrics.filter((m) => raw.views[m.name]).map((m) => [m.name, m.short]);
    bar.append(select("metric", "ranked by", metrics, (value) => { state.metric = value; apply(); }));
    document.getElementById("metric").value = raw.default;
  }
  for (const { name, title, levels } of raw.facets) {
    bar.append(select(`by-${name}`, title, [["", "all"], ...levels.map((level, k) => [k, level])], apply));
  }
  if (raw.facets.length) bar.append(element("button", { type: "button", id: "reset", onclick: () => choose(null) }, "All"));
  bar.append(counted);
  return { state, apply, choose, onchange: (listener) => listeners.push(listener) };
})();

(() => {
  const { raw, element, svg, swatch, number, span, seconds, text } = Report;
  const note = document.getElementById("board-note");
  let metric, scale, sure, alone; // alone: nobody is level with the leader

  function strip(row) { // the interval as a line, the mean as a dot
    const x = (value) => 4 + (132 * value) / (scale || 1);
    const drawn = svg("svg", { viewBox: "0 0 140 10", class: "strip", "aria-hidden": "true" });
    drawn.append(svg("line", { x1: 4, x2: 136, y1: 5, y2: 5, class: "rail" }));
    const colour = raw.methods[row.method].colour;
    if (row.low !== null) drawn.append(svg("line", { x1: x(row.low), x2: x(row.high), y1: 5, y2: 5, stroke: colour, "stroke-width": 3 }));
    drawn.append(svg("circle", { cx: x(row.mean), cy: 5, r: 4, fill: colour }));
    return drawn;
  }

  function badge(row) {
    if (row.place === 1 && sure) return element("span", { class: "badge best" }, "best");
    if (row.place === undefined || row.behind || (row.place === 1 && alone)) return "";
    return element("span", { class: "badge level" }, "level");
  }

  function name(row) {
    const method = raw.methods[row.method];
    const [base, parameters] = method.label.split(/(?=\[)/);
    const label = element("span", { class: "label" }, base, method.unsure ? " \u2020" : "",
      badge(row), parameters ? element("span", { class: "parameters" }, parameters) : "");
    return element("span", { class: "method", "data-method": method.label }, swatch(method), label);
  }

  function behind(row) {
    if (row.gap === undefined || row.place === 1) return text(row.place === 1 ? "leader" : "-", { class: "quiet" });
    const sign = row.gap > 0 ? "+" : "";
    return text(`${sign}${number(row.gap, metric.digits)}${span(row.gapLow, row.gapHigh, metric.digits)}${row.behind ? " \u25bc" : ""}`,
      { title: row.p === null ? "too few data sets for a test" : `corrected p = ${row.p < 0.001 ? "below 0.001" : number(row.p, 3)}` });
  }

  const shown = (display, sort) => ({ data: null, render: (_, type, row) => (type === "display" ? display(row) : sort(row)) });
  const last = (value) => (value === undefined || value === null || Number.isNaN(value) ? Infinity : value);
  const columns = () => [
    { title: "#", ...shown((r) => text(r.place ?? "-"), (r) => last(r.place)), className: "number", type: "num" },
    { title: "method", ...shown(name, (r) => raw.methods[r.method].label), className: "stay", type: "string" },
    { title: "mean [95%]", ...shown((r) => r.mean === undefined ? text(r.why, { class: "quiet" }) : element("span", {},
      `${number(r.mean, metric.digits)}${span(r.low, r.high, metric.digits)}`, strip(r)), (r) => last(r.mean)), type: "num" },
    { title: "behind by", ...shown(behind, (r) => last(r.gap === undefined ? r.gap : Math.abs(r.gap))), type: "num" },
    { title: "rank", ...shown((r) => text(number(r.rank ?? NaN, 1)), (r) => last(r.rank)), className: "number", type: "num" },
    { title: "wins", ...shown((r) => text(r.wins ?? "-"), (r) => r.wins ?? -1), className: "number", type: "num" },
    { title: "failed", ...shown((r) => text(r.failed || "0", { class: r.failed ? "failed" : "quiet" }), (r) => r.failed), className: "number", type: "num" },
    { title: "time", ...shown((r) => text(seconds(r.seconds)), (r) => last(r.seconds)), className: "number", type: "num" },
  ];
  const options = { paging: false, searching: false, info: false, autoWidth: false, order: [[0, "asc"]], data: [] };
  const table = new DataTable("#board", { ...options, columns: columns(), language: { emptyTable: "No trial fits these filters" } });

  Report.filters.onchange(({ metric: chosen, cells }) => {
    metric = raw.metrics.find((m) => m.name === chosen) ?? { digits: 2, short: "", meaning: "" };
    const view = cells.length && chosen ? Report.views.view(chosen, cells) : { n: 0, rows: [], partial: [], exact: true };
    const partial = new Map(view.partial);
    const placed = new Map(view.rows.map((row, k) => [row.method, { ...row, place: k + 1 }]));
    const rows = raw.methods.map((method, m) => {
      const why = partial.has(m) ? `on ${partial.get(m)} of ${view.n} only` : method.cpdag ? "CPDAG only" : "none";
      return { method: m, why, ...placed.get(m), ...Report.views.trialsOf(m, cells) };
    }).filter((row) => row.planned);
    sure = view.sure;
    alone = view.rows.slice(1).every((row) => row.behind);
    scale = Math.max(...view.rows.map((row) => row.high ?? row.mean), 0);
    table.clear().rows.add(rows).draw();
    document.getElementById("board-title").textContent = chosen ? `Leaderboard by ${metric.short}` : "Leaderboard";
    const few = !view.exact && view.n < Report.views.FEWEST ? ` Fewer than ${Report.views.FEWEST} data sets: nothing is claimed.` : "";
    const how = view.exact ? "" : " A filtered view: normal intervals.";
    note.textContent = `${metric.short}: ${metric.meaning}. best: significantly better than every method of another family; level: not told apart ` +
      `from the leader; \u25bc: significantly worse.${how}${few}`;
  });
})();
