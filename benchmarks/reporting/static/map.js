// Who is ahead in which cell: a row per regime, a column per n. A cell's button filters the leaderboard by it.
"use strict";
(() => {
  const { raw, element, swatch, number } = Report;
  const table = document.getElementById("map");
  const varying = raw.facets.map((facet) => facet.name).filter((name) => name !== "n");
  const names = { d: (v) => `d=${v}`, violation: (v) => (v === "none" ? "" : v), family_seed: (v) => `family ${v}`, threshold: (v) => `cut at ${v}` };
  const regime = (cell) => varying.map((name) => (names[name] ?? String)(cell[name])).filter(Boolean).join(", ") || cell.family;
  const sizes = [...new Set(raw.cells.map((cell) => cell.n))].sort((a, b) => a - b);
  const rows = new Map();
  raw.cells.forEach((cell, c) => {
    let title = regime(cell);
    while (rows.get(title)?.has(cell.n)) title += " (another)"; // two tables of one name
    if (!rows.has(title)) rows.set(title, new Map());
    rows.get(title).set(cell.n, c);
  });

  function leader(c, metric) {
    const view = raw.cellViews[metric.name][c];
    if (!view.rows.length) return element("td", { class: "quiet" }, "-");
    const [method, mean] = view.rows[0];
    const others = view.rows.slice(1);
    const level = others.filter((row) => !row[10]);
    const shared = others.filter((row) => row[6] === 0);
    const { sure } = view;
    const label = raw.methods[method].label.split("[")[0];
    const next = others.find((row) => row[6] !== 0);
    const mark = !others.length ? "" : sure ? " \u2713" : ` \u2248${level.length}`;
    const spoken = `${label} leads with ${number(mean, metric.digits)}` + (shared.length ? `, shared with ${shared.length}` : "") +
      (sure ? ", significantly ahead of every other family" : `, ${level.length} others not told apart from it`) +
      (next ? `; next ${raw.methods[next[0]].label}, ${number(Math.abs(next[6]), metric.digits)} worse` : "");
    const button = element("button", { type: "button", class: sure ? "sure" : "", title: spoken, "aria-label": `${regime(raw.cells[c])}, n = ${raw.cells[c].n}: ${spoken}`,
      onclick: () => Report.filters.choose(c) },
      element("span", { class: "winner" }, swatch(raw.methods[method]), element("span", { class: "who" }, label), shared.length ? ` +${shared.length}` : ""),
      element("span", { class: "by" }, `${number(mean, metric.digits)}${mark}`));
    return element("td", { "data-cell": c }, button);
  }

  function draw(metric) {
    const head = element("tr", {}, element("th", { scope: "col" }, "n ="), ...sizes.map((n) => element("th", { scope: "col" }, String(n))));
    const body = [...rows].map(([title, cells]) => element("tr", {}, element("th", { scope: "row" }, title),
      ...sizes.map((n) => (cells.has(n) ? leader(cells.get(n), metric) : element("td", { class: "quiet" })))));
    table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
    document.getElementById("map-note").textContent = `Best mean ${metric.short} of each cell. \u2713 and a solid frame: significantly better than every method of another family; ` +
      "\u2248k: k others not told apart; +k: k others share the mean. Choose a cell to see its leaderboard.";
  }

  let drawn = null;
  Report.filters.onchange(({ metric, cells }) => {
    if (metric === null) return;
    if (metric !== drawn) draw(raw.metrics.find((m) => m.name === metric));
    drawn = metric;
    const inside = new Set(cells.map(String));
    table.querySelectorAll("td[data-cell]").forEach((td) => td.classList.toggle("outside", !inside.has(td.dataset.cell)));
  });
})();
