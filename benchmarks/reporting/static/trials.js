// The trial drill-down and the table of all trials. The table is built when it comes into view.
"use strict";
(() => {
  const { raw, element, select, number, seconds, unpack, text } = Report;
  const { values, status, runtime } = Report.views;
  const M = raw.methods.length;
  const cellOf = unpack(raw.datasets.cell), repeatOf = unpack(raw.datasets.repeat);
  const errors = new Map(raw.errors.of.map(([trial, k]) => [trial, raw.errors.texts[k]]));
  const target = document.getElementById("trial"), note = document.getElementById("trial-note"), bar = document.getElementById("chooser");
  const shownMetrics = raw.metrics.filter((m) => values[m.name]);
  const varying = raw.facets.map((facet) => facet.name);
  const described = (cell) => [cell.family, `d = ${cell.d}`, `n = ${cell.n}`,
    ...["noise", "variance", "scale", "violation", "family_seed", "threshold"].filter((name) => varying.includes(name)).map((name) => cell[name])].join(", ");
  const own = (trial, metric) => (status[trial] === 0 ? values[metric.name][trial] : NaN); // not the penalty of a failure

  function listDataSets(cell) {
    const { start, stop } = raw.cells[cell];
    const options = Array.from({ length: stop - start }, (_, k) => start + k)
      .map((s) => element("option", { value: s }, `${repeatOf[s]}${raw.graphs[s] ? "" : " (numbers only)"}`));
    document.getElementById("trial-set").replaceChildren(...options);
  }

  function show(dataset, method) {
    const trial = dataset * M + method, label = raw.methods[method].label;
    document.getElementById("trial-cell").value = cellOf[dataset];
    listDataSets(cellOf[dataset]);
    document.getElementById("trial-set").value = dataset;
    document.getElementById("trial-method").value = method;
    const known = status[trial];
    const measured = shownMetrics.filter((m) => Number.isFinite(own(trial, m))).map((m) => `${m.short} ${number(own(trial, m), m.digits === 2 ? 0 : 3)}`);
    const how = Number.isNaN(known) ? "was not run on this data set" : known !== 0 ? `${raw.statuses[known]}: ${errors.get(trial) ?? ""}`
      : [...measured, seconds(runtime[trial])].join(" \u00b7 ");
    note.textContent = `${label}, ${described(raw.cells[cellOf[dataset]])}, data set ${repeatOf[dataset]}: ${how}`;
    const graph = raw.graphs[dataset];
    if (graph) Report.graphs.show(target, graph, method, label);
    else target.replaceChildren(element("p", { class: "note" }, "The graphs of this data set are not in this page; the run's estimates.parquet has them."));
  }

  const now = () => [Number(document.getElementById("trial-set").value), Number(document.getElementById("trial-method").value)];
  bar.append(
    select("trial-cell", "cell", raw.cells.map((cell, c) => [c, described(cell)]), (c) => show(raw.cells[c].start, now()[1])),
    select("trial-set", "data set", [], () => show(...now())),
    select("trial-method", "method", raw.methods.map((m, k) => [k, m.label]), () => show(...now())));
  const first = Number(Object.keys(raw.graphs).map(Number).sort((a, b) => a - b)[0] ?? 0);
  const middle = raw.cells[raw.cells.length >> 1].start;
  const ran = (dataset) => Math.max(0, raw.methods.findIndex((_, m) => !Number.isNaN(status[dataset * M + m])));
  const opening = raw.graphs[middle] ? middle : first;
  show(opening, ran(opening));

  let table = null, cells = raw.cells.map((_, c) => c);
  const trialsIn = () => Report.views.chosen(cells).flatMap((dataset) => raw.methods.map((_, m) => dataset * M + m)).filter((t) => !Number.isNaN(status[t]));
  const set = (t) => Math.floor(t / M), cell = (t) => raw.cells[cellOf[set(t)]];
  const open = (t) => element("button", { type: "button", onclick: () => {
    show(set(t), t % M);
    document.getElementById("trials").scrollIntoView();
    document.getElementById("trial-method").focus({ preventScroll: true });
  }, "aria-label": `Show ${raw.methods[t % M].label} on ${described(cell(t))}, data set ${repeatOf[set(t)]}` }, "show");
  const column = (title, value, className = "", display = null) => ({ title, data: null, className, type: className === "number" ? "num" : "string",
    render: (t, type) => (type === "display" ? text((display ?? String)(value(t))) : Number.isNaN(value(t)) ? -1 : value(t)) });

  function build() {
    const facets = [["graph", "family", ""], ["d", "d", "number"], ["n", "n", "number"],
      ...["noise", "variance", "scale", "violation", "family_seed", "threshold"].filter((name) => varying.includes(name)).map((name) => [name, name, ""])];
    table = new DataTable("#all", {
      data: trialsIn(), deferRender: true, autoWidth: false, pageLength: 10, lengthMenu: [10, 25, 100], order: [],
      columns: [
        { title: "graphs", data: null, orderable: false, searchable: false, render: (t, type) => (type === "display" ? open(t) : "") },
        column("method", (t) => raw.methods[t % M].label, "stay"),
        ...facets.map(([title, name, kind]) => column(title, (t) => cell(t)[name], kind)),
        column("data set", (t) => repeatOf[set(t)], "number"),
        column("ended as", (t) => raw.statuses[status[t]]),
        ...shownMetrics.map((m) => column(m.short, (t) => own(t, m), "number", (v) => number(v, m.digits === 2 ? 0 : 3))),
        column("time", (t) => runtime[t], "number", seconds),
      ],
    });
  }

  Report.filters.onchange((state) => {
    cells = state.cells;
    if (table) table.clear().rows.add(trialsIn()).draw();
  });
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    build();
  }, { rootMargin: "600px" }).observe(document.getElementById("all-note"));
  Report.filters.apply();
})();
