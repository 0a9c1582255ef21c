// The page's numbers, and small helpers. First of the page's scripts: everything else hangs on `Report`.
"use strict";
const Report = (() => {
  const raw = JSON.parse(document.getElementById("data").textContent);

  // The inverse of benchmarks/reporting/pack.py.
  function unpack({ array, factor, missing, base64 }) {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const stored = new globalThis[array](bytes.buffer);
    return Float64Array.from(stored, (v) => (v === missing ? NaN : v * factor));
  }

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "class") made.className = value;
      else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null && child !== ""));
    return made;
  }

  function svg(tag, attributes = {}, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  const swatch = (method) => element("span", { class: "swatch", style: `background:${method.colour}`, "aria-hidden": "true" });

  function number(value, digits) {
    return value === null || !Number.isFinite(value) ? "-" : value.toFixed(digits);
  }

  function span(low, high, digits) {
    return low === null || !Number.isFinite(low) ? "" : ` [${number(low, digits)}, ${number(high, digits)}]`;
  }

  function seconds(value) {
    if (!Number.isFinite(value)) return "-";
    if (value < 0.9995) return `${Number((value * 1000).toPrecision(2))} ms`;
    return `${Number(value.toPrecision(value < 100 ? 2 : 3))} s`;
  }

  function select(name, title, options, onchange) {
    const chosen = element("select", { id: name, onchange: () => onchange(chosen.value) },
      ...options.map(([value, text]) => element("option", { value }, text)));
    return element("label", { for: name }, element("span", {}, title), chosen);
  }

  // What DataTables shows as text is never read as HTML: labels and messages come from a run.
  const text = (content, attributes = {}) => element("span", attributes, String(content));
  const plain = (value) => (row, type) => (type === "display" ? text(value(row)) : value(row));

  return { raw, unpack, element, svg, swatch, number, span, seconds, select, text, plain };
})();
