// Draws a scene's charts when it is opened. One chart per design, side by side, on the same axes; a design has
// the same colour everywhere, and the colours are those of the style sheet, in light and in dark.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const kinds = ["429", "503", "504", "timeout", "connect", "reset", "broken", "dropped"];
  const patterns = ["", "/", "x", "", "\\", ".", "+", "-"];
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colour = (design) => css(`--d${design % 9}`);
  const faint = (hex) => `${hex}40`;
  const logTicks = { tickvals: [0, 10, 100, 1000, 10000, 100000].map((v) => Math.log10(1 + v)), ticktext: ["0", "10", "100", "1k", "10k", "100k"] };
  const msTicks = { tickvals: [1, 10, 100, 1000, 10000, 100000], ticktext: ["1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s"] };

  const times = (cell, values) => values.map((_, i) => i * cell.bin_s);
  const middles = (cell, values) => values.map((_, i) => (i + 0.5) * cell.bin_s);
  const perSecond = (cell, values) => values.map((v) => v / cell.bin_s);
  const line = (cell, name, values, style, more = {}) => ({
    type: "scatter", mode: "lines", name, x: middles(cell, values), y: values, line: style, ...more,
  });

  const charts = {
    latency(scene) {
      const traces = (cell) => [
        line(cell, "p50", cell.p50, { color: colour(cell.design), width: 2 }, { mode: "lines+markers", marker: { size: 3 } }),
        line(cell, "p99", cell.p99, { color: colour(cell.design), width: 1.8, dash: "dot" }),
      ];
      const all = scene.cells.flatMap((cell) => [...cell.p50, ...cell.p99]).filter((v) => v > 0);
      const low = Math.min(100, ...all), high = Math.max(data.slo_ms * 1.5, ...all);
      const y = { type: "log", range: [Math.log10(low) - 0.1, Math.log10(high) + 0.1], ...msTicks };
      return { traces, y, lines: [{ y: data.slo_ms, dash: "dash" }], hover: "%{y:,.0f} ms" };
    },
    goodput(scene) {
      const tops = scene.cells.flatMap((cell) => [...perSecond(cell, cell.throughput), ...perSecond(cell, cell.capacity)]);
      const most = Math.max(0, ...scene.cells.flatMap((cell) => perSecond(cell, cell.offered)));
      const done = 1.3 * Math.max(1, scene.capacity_per_s, ...tops);
      const top = most < 2 * done ? Math.max(done, 1.08 * most) : done;
      const traces = (cell) => {
        const offered = perSecond(cell, cell.offered);
        const own = colour(cell.design);
        return [
          line(cell, "goodput", perSecond(cell, cell.goodput), { color: own, width: 2, shape: "hvh" }, { fill: "tozeroy", fillcolor: faint(own) }),
          line(cell, "all successes", perSecond(cell, cell.throughput), { color: own, width: 1.2, shape: "hvh" }),
          line(cell, "asked for", offered, { color: css("--asked"), width: 1.6, shape: "hvh" }),
          line(cell, "possible", perSecond(cell, cell.capacity), { color: css("--ink"), width: 1.2, dash: "dash", shape: "hvh" }),
        ];
      };
      const note = most > top ? `asked for: ${most.toLocaleString("en")}/s, far above` : null;
      return { traces, y: { range: [0, top] }, note, hover: "%{y:,.0f}/s" };
    },
    load(scene) {
      const log = (values) => values.map((v) => Math.log10(1 + v));
      const traces = (cell) => [
        line(cell, "in flight", log(cell.in_flight), { color: colour(cell.design), width: 2 }, { customdata: cell.in_flight }),
        line(cell, "queue", log(cell.queue), { color: colour(cell.design), width: 1.8, dash: "dot" }, { customdata: cell.queue }),
      ];
      const most = Math.max(10, ...scene.cells.flatMap((cell) => [...cell.in_flight, ...cell.queue]));
      return { traces, y: { range: [0, Math.log10(1 + most) * 1.08], ...logTicks }, hover: "%{customdata:,}" };
    },
    backlog(scene) {
      const log = (values) => values.map((v) => Math.log10(1 + v));
      const traces = (cell) => [
        line(cell, "not done", log(cell.backlog), { color: colour(cell.design), width: 2 }, { customdata: cell.backlog }),
        line(cell, "workers", log(cell.workers), { color: colour(cell.design), width: 1.8, dash: "dot", shape: "hvh" }, { customdata: cell.workers }),
      ];
      const most = Math.max(10, ...scene.cells.flatMap((cell) => [...cell.backlog, ...cell.workers]));
      return { traces, y: { range: [0, Math.log10(1 + most) * 1.08], ...logTicks }, hover: "%{customdata:,}" };
    },
    errors(scene) {
      const known = (kind) => (kinds.includes(kind) ? kinds.indexOf(kind) : kinds.length - 1);
      const traces = (cell) => Object.entries(cell.errors).map(([kind, counts]) => ({
        type: "bar", name: kind, x: middles(cell, counts), y: perSecond(cell, counts), legendgroup: kind,
        marker: { color: css(`--e${known(kind)}`), pattern: { shape: patterns[known(kind)], size: 5, solidity: 0.25 }, line: { width: 0 } },
      }));
      const sums = scene.cells.flatMap((cell) => times(cell, cell.offered).map((_, i) => Object.values(cell.errors).reduce((sum, counts) => sum + (counts[i] || 0), 0) / cell.bin_s));
      return { traces, y: { range: [0, 1.1 * Math.max(10, ...sums)] }, legend: true, hover: "%{y:,.0f}/s" };
    },
  };

  function columns(width, cells) {
    return Math.max(1, Math.min(cells, Math.floor(width / 300), cells === 4 ? 2 : 3));
  }

  function draw(element) {
    const scene = data.scenes[element.dataset.scene];
    const chart = charts[element.dataset.kind](scene);
    const width = element.clientWidth || 900;
    const across = columns(width, scene.cells.length);
    const down = Math.ceil(scene.cells.length / across);
    const legend = chart.legend && scene.cells.some((cell) => Object.keys(cell.errors).length > 0);
    const gap = 0.035, rowGap = down > 1 ? 0.28 / down : 0;
    const margin = { l: 58, r: 12, t: 26, b: legend ? 62 : 36 };
    const layout = {
      height: 215 * down + (legend ? 30 : 0), margin, barmode: "stack", bargap: 0,
      showlegend: Boolean(legend), legend: { orientation: "h", y: 0, yref: "container", yanchor: "bottom", x: 0, traceorder: "normal" },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "x unified",
      hoverlabel: { bgcolor: css("--card"), bordercolor: css("--line"), font: { color: css("--ink") } },
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: css("--ink") },
      shapes: [], annotations: [],
    };
    const seen = new Set();
    const traces = scene.cells.flatMap((cell, i) => {
      const n = i === 0 ? "" : String(i + 1);
      const column = i % across, row = Math.floor(i / across);
      const cellWidth = (1 - gap * (across - 1)) / across, cellHeight = (1 - rowGap * (down - 1)) / down;
      const x0 = column * (cellWidth + gap), y1 = 1 - row * (cellHeight + rowGap);
      const axis = { gridcolor: css("--grid"), linecolor: css("--line"), zeroline: false, fixedrange: false };
      layout[`xaxis${n}`] = {
        ...axis, domain: [x0, x0 + cellWidth], anchor: `y${n}`, range: [0, scene.until_s], ticksuffix: " s", nticks: 6,
        ...(i > 0 && { matches: "x" }),
      };
      layout[`yaxis${n}`] = {
        ...axis, domain: [y1 - cellHeight, y1], anchor: `x${n}`, ...chart.y, showticklabels: column === 0,
        ...(i > 0 && { matches: "y" }),
      };
      const inPlot = { xref: `x${n}`, yref: `y${n} domain` };
      if (scene.window) {
        layout.shapes.push({ type: "rect", ...inPlot, x0: scene.window[0], x1: scene.window[1], y0: 0, y1: 1, fillcolor: css("--shade"), line: { width: 0 }, layer: "below" });
      }
      if (scene.until_s > scene.load_s) {
        layout.shapes.push({ type: "line", ...inPlot, x0: scene.load_s, x1: scene.load_s, y0: 0, y1: 1, line: { color: css("--line"), width: 1.5 }, layer: "below" });
      }
      for (const alert of cell.alerts) {
        const names = alert.about === "dependency" || alert.about === "latency";
        const colour = css(names ? "--bad" : "--asked");
        if (names) {
          layout.shapes.push({ type: "line", ...inPlot, x0: alert.at_s, x1: alert.at_s, y0: 0, y1: 1, line: { color: colour, width: 1, dash: "dot" } });
        }
        layout.annotations.push({
          ...inPlot, x: alert.at_s, y: 0, yanchor: "bottom", showarrow: false, text: "▲", font: { size: 10, color: colour },
          hovertext: `${alert.at_s} s: ${alert.name} at ${alert.service}`, captureevents: true,
        });
      }
      for (const limit of chart.lines || []) {
        layout.shapes.push({ type: "line", xref: `x${n} domain`, yref: `y${n}`, x0: 0, x1: 1, y0: limit.y, y1: limit.y, line: { color: css("--asked"), width: 1, dash: limit.dash } });
      }
      const text = (more) => layout.annotations.push({ xref: `x${n} domain`, yref: `y${n} domain`, showarrow: false, ...more });
      const name = data.designs[cell.design].replace(/[<>&]/g, (c) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;" })[c]);
      text({ x: 0, y: 1, yanchor: "bottom", xanchor: "left", text: `<span style="color:${colour(cell.design)}">■</span> <b>${name}</b>`, font: { size: 13 } });
      if (chart.note) text({ x: 1, y: 1, yanchor: "bottom", xanchor: "right", text: chart.note, font: { size: 11, color: css("--soft") } });
      return chart.traces(cell).map((trace) => {
        const first = !seen.has(trace.name);
        seen.add(trace.name);
        return { ...trace, xaxis: `x${n}`, yaxis: `y${n}`, showlegend: Boolean(legend) && first, hovertemplate: `${trace.name}: ${chart.hover}<extra></extra>` };
      });
    });
    element.dataset.across = across;
    element.replaceChildren();
    Plotly.newPlot(element, traces, layout, { displayModeBar: false, responsive: true });
  }

  const scenes = [...document.querySelectorAll("details.scene")];
  const chartsOf = (scene) => [...scene.querySelectorAll(".chart")];
  const show = (scene) => chartsOf(scene).filter((chart) => !chart.dataset.across).forEach(draw);
  const redraw = (needed) => scenes.filter((scene) => scene.open).flatMap(chartsOf).filter(needed).forEach(draw);
  const forget = () => scenes.filter((scene) => !scene.open).flatMap(chartsOf).forEach((chart) => delete chart.dataset.across);

  scenes.forEach((scene) => scene.addEventListener("toggle", () => scene.open && show(scene)));
  scenes.filter((scene) => scene.open).forEach(show);
  const follow = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) {
      target.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", follow);
  follow();
  document.getElementById("open-all").addEventListener("click", () => scenes.forEach((scene) => { scene.open = true; }));
  document.getElementById("close-all").addEventListener("click", () => scenes.forEach((scene) => { scene.open = false; }));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { forget(); redraw(() => true); });
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      forget();
      redraw((chart) => {
        const cells = data.scenes[chart.dataset.scene].cells.length;
        return Number(chart.dataset.across) !== columns(chart.clientWidth, cells);
      });
    }, 150);
  });
})();
