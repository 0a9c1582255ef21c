// A true graph beside an estimate, as SVG: what became of each edge is told by colour, by line style and in words.
"use strict";
Report.graphs = (() => {
  const { element, svg } = Report;
  const KINDS = {
    right: { colour: "#00589b", dash: "", says: "right" },
    open: { colour: "#006b54", dash: "16 3", says: "found, direction left open" },
    reversed: { colour: "#a34700", dash: "9 4", says: "reversed" },
    missing: { colour: "#5c5c5c", dash: "2 4", says: "missing" },
    extra: { colour: "#a3195b", dash: "9 3 2 3", says: "extra" },
  };

  // Numbers to edges; the inverse of benchmarks/reporting/graphs.py.
  function read(numbers, d) {
    return numbers.map((k) => (k < 0 ? { i: Math.floor((-k - 1) / d), j: (-k - 1) % d, directed: false }
      : { i: Math.floor(k / d), j: k % d, directed: true }));
  }

  function judged(truth, estimate) { // edges of both graphs with what became of them
    const has = (edges, i, j) => edges.some((e) => e.directed && e.i === i && e.j === j);
    const joins = (edges, i, j) => edges.some((e) => (e.i === i && e.j === j) || (e.i === j && e.j === i));
    const wholly = (e, others) => others.some((o) => !o.directed && joins([o], e.i, e.j));
    return {
      truth: truth.map((e) => ({ ...e, kind: has(estimate, e.i, e.j) ? "right" : wholly(e, estimate) ? "open"
        : joins(estimate, e.i, e.j) ? "reversed" : "missing" })),
      estimate: estimate.map((e) => ({ ...e, kind: !joins(truth, e.i, e.j) ? "extra" : !e.directed ? "open"
        : has(truth, e.i, e.j) ? "right" : "reversed" })),
    };
  }

  function causalOrder(edges, d) { // parents first; by index where the graph leaves it open
    const order = [], left = new Set(Array.from({ length: d }, (_, v) => v));
    while (left.size) {
      const free = [...left].filter((v) => !edges.some((e) => e.directed && e.j === v && left.has(e.i)));
      const next = free.length ? free[0] : [...left][0];
      order.push(next);
      left.delete(next);
    }
    return order;
  }

  function draw(title, edges, order, names, id) {
    const d = order.length, size = 440, centre = size / 2;
    const r = d <= 12 ? 17 : d <= 24 ? 12 : d <= 50 ? 7 : 4;
    const place = [];
    order.forEach((v, k) => {
      const angle = (2 * Math.PI * k) / d - Math.PI / 2;
      place[v] = [centre + (centre - 28) * Math.cos(angle), centre + (centre - 28) * Math.sin(angle)];
    });
    const drawn = svg("svg", { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": `${title}: ${edges.length} edges` });
    for (const [kind, { colour }] of Object.entries(KINDS)) {
      drawn.append(svg("marker", { id: `${id}-${kind}`, viewBox: "0 0 10 10", refX: 9, refY: 5, markerUnits: "userSpaceOnUse",
        markerWidth: d <= 24 ? 11 : 7, markerHeight: d <= 24 ? 11 : 7, orient: "auto" }, svg("path", { d: "M0 0 L10 5 L0 10 z", fill: colour })));
    }
    for (const { i, j, directed, kind } of edges) {
      const [x1, y1] = place[i], [x2, y2] = place[j];
      const length = Math.hypot(x2 - x1, y2 - y1), ux = (x2 - x1) / length, uy = (y2 - y1) / length;
      const line = svg("line", { x1: x1 + ux * r, y1: y1 + uy * r, x2: x2 - ux * (r + 1), y2: y2 - uy * (r + 1), class: `edge ${kind}`,
        stroke: KINDS[kind].colour, "stroke-width": d <= 24 ? 2.2 : 1.2, "stroke-dasharray": KINDS[kind].dash });
      if (directed) line.setAttribute("marker-end", `url(#${id}-${kind})`);
      line.append(svg("title", {}, `${names[i]} ${directed ? "\u2192" : "\u2014"} ${names[j]}: ${KINDS[kind].says}`));
      drawn.append(line);
    }
    order.forEach((v) => {
      const [x, y] = place[v];
      drawn.append(svg("circle", { cx: x, cy: y, r, class: "node" }));
      if (d <= 50) drawn.append(svg("text", { x, y, "font-size": d <= 12 ? 12 : d <= 24 ? 10 : 6, class: "name" }, names[v]));
    });
    return element("figure", {}, element("figcaption", {}, title), drawn);
  }

  function legend(both) {
    const count = (kind) => (kind === "extra" ? both.estimate : both.truth).filter((e) => e.kind === kind).length;
    const item = ([kind, { colour, dash, says }]) => element("li", {},
      svgLine(colour, dash), `${count(kind)} ${says}`);
    const svgLine = (colour, dash) => svg("svg", { viewBox: "0 0 40 8", width: 40, height: 8, "aria-hidden": "true" },
      svg("line", { x1: 0, x2: 40, y1: 4, y2: 4, stroke: colour, "stroke-width": 3, "stroke-dasharray": dash }));
    const open = count("open");
    return element("ul", { class: "legend", id: "edges" }, ...Object.entries(KINDS).filter(([kind]) => kind !== "open" || open).map(item));
  }

  function listed(both, names) {
    const written = (e) => `${names[e.i]} ${e.directed ? "\u2192" : "\u2014"} ${names[e.j]}`;
    const lines = Object.keys(KINDS).map((kind) => [kind, (kind === "missing" ? both.truth : both.estimate).filter((e) => e.kind === kind)])
      .filter(([, edges]) => edges.length)
      .map(([kind, edges]) => element("p", {}, element("b", {}, `${KINDS[kind].says}: `), edges.map(written).join(", ")));
    return element("details", {}, element("summary", {}, "The edges in words"), ...lines);
  }

  function show(target, graph, method, title) {
    const { d } = graph, names = graph.names ?? Array.from({ length: d }, (_, v) => `x${v}`);
    const estimate = read(graph.estimates[method] ?? [], d);
    const given = graph.estimates[method] !== undefined;
    if (graph.truth === null) {
      const plain = estimate.map((e) => ({ ...e, kind: "open" }));
      target.replaceChildren(element("div", { class: "pair" }, draw(`${title}: estimate`, plain, causalOrder(estimate, d), names, "e")));
      return;
    }
    const truth = read(graph.truth, d), order = causalOrder(truth, d), both = judged(truth, given ? estimate : []);
    const pair = element("div", { class: "pair" }, draw("True graph", given ? both.truth : both.truth.map((e) => ({ ...e, kind: "right" })), order, names, "t"));
    if (given) pair.append(draw(`Estimate of ${title}`, both.estimate, order, names, "e"));
    target.replaceChildren(pair);
    if (given) target.append(legend(both), listed(both, names));
  }

  return { show, judged, read };
})();
