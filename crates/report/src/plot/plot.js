// Draws the runs in #runs. A run has one colour in every chart; dashes tell lines of one run apart.
(() => {
  "use strict";
  const runs = JSON.parse(document.getElementById("runs").textContent);
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colour = (index) => css(`--d${index % 9}`);
  const many = runs.length > 1;
  const named = (run, what) => (many ? `${what}, ${run.name}` : what);

  const layout = (x, y, more) => ({
    font: { family: "system-ui, sans-serif", size: 13, color: css("--ink") },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 64, r: 12, t: 8, b: 44 }, hovermode: "x unified",
    hoverlabel: { bgcolor: css("--card"), bordercolor: css("--line"), font: { color: css("--ink") } },
    legend: { orientation: "h", y: -0.22, yanchor: "top" },
    xaxis: { gridcolor: css("--grid"), zeroline: false, title: { text: x, standoff: 4 }, ...more.xaxis },
    yaxis: { gridcolor: css("--grid"), zeroline: false, rangemode: "tozero", title: { text: y }, ...more.yaxis },
  });

  const line = (run, index, what, y, more = {}) => ({
    type: "scatter", mode: "lines", name: named(run, what), x: run.at_s, y,
    line: { color: colour(index), width: 2, ...more.line }, hovertemplate: "%{y:,.4~g}<extra>%{fullData.name}</extra>", ...more.trace,
  });

  // Ticks that say 1 ms, 10 ms, 1 s instead of powers.
  const time = (ms) => (ms >= 1000 ? `${ms / 1000} s` : ms >= 1 ? `${ms} ms` : `${Math.round(ms * 1000)} µs`);
  const decades = [];
  for (let power = -3; power <= 6; power += 1) {
    [1, 2, 5].forEach((step) => decades.push(step * 10 ** power));
  }
  const shown = runs.flatMap((run) => run.latency_ms.flat()).filter((ms) => ms > 0);
  const [low, high] = [shown.reduce((a, b) => Math.min(a, b), Infinity), shown.reduce((a, b) => Math.max(a, b), 0)];
  // Less than three decades read better with a tick at 1, 2 and 5.
  const coarse = high / low > 1000;
  const ticks = decades.filter((ms) => !coarse || Math.abs(Math.log10(ms) % 1) < 1e-9);
  const logarithmic = { type: "log", tickvals: ticks, ticktext: ticks.map(time), rangemode: "normal" };

  const draw = () => {
    const config = { displayModeBar: false, responsive: true };
    const spans = [["p50", "solid", 2], ["p90", "dash", 1.5], ["p99", "dot", 1.5]];
    const latency = runs.flatMap((run, index) => [
      ...spans.map(([what, dash, width], i) => line(run, index, what, run.latency_ms[i], { line: { dash, width } })),
      {
        type: "scatter", mode: "markers", name: named(run, "slowest"), x: run.at_s, y: run.latency_ms[3],
        marker: { color: colour(index), size: 4, opacity: 0.45 }, hovertemplate: "%{y:,.4~g}<extra>%{fullData.name}</extra>",
      },
    ]);
    Plotly.react("latency", latency, layout("seconds", "milliseconds, logarithmic", { yaxis: logarithmic }), config);

    const rate = runs.flatMap((run, index) => [
      line(run, index, "sent", run.sent_per_s, { line: { dash: "dot", width: 1.5 } }),
      line(run, index, "succeeded", run.succeeded_per_s),
    ]);
    Plotly.react("rate", rate, layout("seconds", "per second", {}), config);

    const dashes = ["solid", "dash", "dot", "dashdot", "longdash"];
    const kinds = [...new Set(runs.flatMap((run) => Object.keys(run.errors_per_s)))].sort();
    const errors = runs.flatMap((run, index) => {
      const lines = kinds.filter((kind) => run.errors_per_s[kind]).map((kind) =>
        line(run, index, kind, run.errors_per_s[kind], {
          line: many ? { dash: dashes[kinds.indexOf(kind) % dashes.length] } : { color: css(`--e${kinds.indexOf(kind) % 8}`) },
        }));
      const unsent = run.not_sent_per_s.some((count) => count > 0);
      return unsent ? [...lines, line(run, index, "not sent", run.not_sent_per_s, { line: { dash: "longdashdot", color: many ? colour(index) : css("--asked") } })] : lines;
    });
    const none = errors.length === 0
      ? { xaxis: { visible: false }, yaxis: { visible: false }, annotations: [{ text: "no failures", showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5, font: { size: 16, color: css("--soft") } }] }
      : {};
    Plotly.react("errors", errors, { ...layout("seconds", "per second", {}), ...none }, config);

    const quantiles = runs.map((run, index) => ({
      type: "scatter", mode: "lines", name: run.name, x: run.quantiles.map(([share]) => 1 / (1 - share)), y: run.quantiles.map(([, ms]) => ms),
      text: run.quantiles.map(([share]) => `${+(share * 100).toPrecision(7)} %`),
      line: { color: colour(index), width: 2 }, hovertemplate: "%{text}: %{y:,.4~g} ms<extra>%{fullData.name}</extra>",
    }));
    const nines = { type: "log", tickvals: [1, 2, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7], ticktext: ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %", "99.99999 %"] };
    Plotly.react("quantiles", quantiles, { ...layout("of the requests, no slower than", "milliseconds, logarithmic", { xaxis: nines, yaxis: logarithmic }), hovermode: "closest" }, config);
  };

  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
