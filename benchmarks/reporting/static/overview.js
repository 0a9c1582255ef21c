// The page over all runs: methods counted over the cells of a choice, and every cell with its methods.
"use strict";
(() => {
  const { raw, element, select, swatch, number, span, seconds, text } = Report;
  const MEAN = 0, LOW = 1, HIGH = 2, RANK = 3, GAP = 5, GAP_LOW = 6, GAP_HIGH = 7, BEHIND = 9; // of a standing
  let metric = raw.metrics.find((m) => m.name === raw.default);
  const bar = document.getElementById("filters"), counted = element("output", { id: "counted" });
  const leaders = element("input", { type: "checkbox", id: "leaders", onchange: () => apply() });
  bar.append(select("metric", "ranked by", raw.metrics.map((m) => [m.name, m.short]), (value) => {
    metric = raw.metrics.find((m) => m.name === value);
    apply();
  }));
  for (const { name, title, levels } of raw.facets) {
    bar.append(select(`by-${name}`, title, [["", "all"], ...levels.map((level, k) => [k, level])], () => apply()));
  }
  bar.append(element("label", { for: "leaders" }, element("span", {}, "each cell"), leaders, " leader only"), counted);

  const shown = (display, sort) => ({ data: null, render: (_, type, row) => (type === "display" ? display(row) : sort(row)) });
  const late = (value) => (value === null || value === undefined || Number.isNaN(value) ? Infinity : value);
  const method = (row) => element("span", { class: "method" }, swatch(raw.methods[row.method]), element("span", { class: "label" }, raw.methods[row.method].label));
  const figure = (title, value, display = String) => ({ title, className: "number", type: "num", ...shown((r) => text(display(value(r))), (r) => late(value(r))) });
  const percent = (part) => (r) => (r.cells ? `${r[part]} (${Math.round((100 * r[part]) / r.cells)}%)` : "-");
  const part = (title, name) => ({ title, className: "number", type: "num", ...shown((r) => text(percent(name)(r)), (r) => (r.cells ? r[name] / r.cells : -1)) });
  const options = { autoWidth: false, data: [], language: { emptyTable: "No cell fits these filters" } };

  const board = new DataTable("#board", { ...options, paging: false, searching: false, info: false, order: [[5, "asc"]], columns: [
    { title: "method", className: "stay", type: "string", ...shown(method, (r) => raw.methods[r.method].label) },
    figure("cells", (r) => r.cells),
    part("best mean", "best"),
    part("best or not told apart", "level"),
    part("significantly best", "sure"),
    figure("mean place", (r) => r.place, (v) => number(v, 1)),
    figure("failed trials", (r) => r.failed, (v) => v.toLocaleString("en")),
    figure("median time", (r) => r.seconds, seconds),
  ] });

  const cell = (r) => raw.cells[r.cell];
  const gap = (r) => {
    if (!r.one || r.place === 1) return text(r.place === 1 ? (r.sure ? "significantly best" : "leader") : "-", { class: "quiet" });
    return text(`${number(r.one[GAP], metric.digits)}${span(r.one[GAP_LOW], r.one[GAP_HIGH], metric.digits)}${r.one[BEHIND] ? " \u25bc" : ""}`);
  };
  const all = new DataTable("#all", { ...options, deferRender: true, pageLength: 25, lengthMenu: [10, 25, 100], order: [], columns: [
    { title: "run", type: "string", ...shown((r) => element("a", { href: `${encodeURIComponent(cell(r).run)}/index.html` }, cell(r).run), (r) => cell(r).run) },
    ...raw.facets.filter(({ name }) => name !== "run").map(({ name }) => ({ title: name === "family" ? "graph" : name, className: name === "d" || name === "n" ? "number" : "",
      type: name === "d" || name === "n" ? "num" : "string", ...shown((r) => text(cell(r)[name]), (r) => cell(r)[name]) })),
    figure("data sets", (r) => cell(r).sets),
    figure("place", (r) => r.place, (v) => v ?? "-"),
    { title: "method", type: "string", ...shown(method, (r) => raw.methods[r.method].label) },
    { title: "mean [95%]", type: "num", ...shown((r) => text(r.one ? `${number(r.one[MEAN], metric.digits)}${span(r.one[LOW], r.one[HIGH], metric.digits)}` : "-"), (r) => late(r.one?.[MEAN])) },
    { title: "behind by", type: "num", ...shown(gap, (r) => late(r.one && Math.abs(r.one[GAP]))) },
    figure("rank", (r) => r.one?.[RANK] ?? null, (v) => number(v, 1)),
    figure("failed", (r) => r.failed),
    figure("time", (r) => r.seconds, (v) => seconds(v ?? NaN)),
  ] });

  function apply() {
    const wanted = raw.facets.map(({ name, levels }) => [name, levels[document.getElementById(`by-${name}`).value]]);
    const fits = raw.cells.map((c) => wanted.every(([name, value]) => value === undefined || c[name] === value));
    const rows = raw.rows[metric.name].filter((row) => fits[row[0]])
      .map(([c, m, place, one, planned, failed, time]) => ({ cell: c, method: m, place, one, planned, failed, seconds: time }))
      .sort((a, b) => a.cell - b.cell || late(a.place) - late(b.place));
    for (const row of rows) row.sure = row.place === 1 && raw.sure[metric.name][row.cell];
    board.clear().rows.add(raw.methods.map((_, m) => tally(m, rows.filter((row) => row.method === m))).filter((r) => r.run)).draw();
    all.clear().rows.add(leaders.checked ? rows.filter((row) => row.place === 1) : rows).draw();
    const count = fits.filter(Boolean).length;
    counted.textContent = `${count} cell${count === 1 ? "" : "s"}`;
  }

  function tally(m, rows) {
    const ranked = rows.filter((row) => row.place !== null);
    const times = rows.map((row) => row.seconds).filter((v) => v !== null).sort((a, b) => a - b);
    const half = times.length >> 1;
    return { method: m, run: rows.length, cells: ranked.length,
      best: ranked.filter((row) => row.one[GAP] === 0).length,
      level: ranked.filter((row) => !row.one[BEHIND]).length,
      sure: ranked.filter((row) => row.sure).length,
      place: ranked.length ? ranked.reduce((sum, row) => sum + row.place, 0) / ranked.length : NaN,
      failed: rows.reduce((sum, row) => sum + row.failed, 0),
      seconds: times.length ? (times.length % 2 ? times[half] : (times[half - 1] + times[half]) / 2) : NaN };
  }

  apply();
})();
