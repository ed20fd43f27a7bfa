// Draws the sections that an experiment asks for: the hysteresis of a load in steps, the frontier of latency against
// goodput, and histograms. Colours are those of the designs everywhere else on the page.
(() => {
  "use strict";
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colour = (index) => css(`--d${index % 9}`);
  const safe = (text) => text.replace(/[<>&]/g, (c) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;" })[c]);
  const axis = () => ({ gridcolor: css("--grid"), linecolor: css("--line"), zeroline: false });
  const layout = (more) => ({
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, shapes: [], annotations: [],
    hoverlabel: { bgcolor: css("--card"), bordercolor: css("--line"), font: { color: css("--ink") } },
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: css("--ink") },
    ...more,
  });

  function hysteresis(element, courses) {
    const width = element.clientWidth || 900;
    const across = Math.max(1, Math.min(courses.length, Math.floor(width / 330), courses.length === 4 ? 2 : 3));
    const down = Math.ceil(courses.length / across);
    const gap = 0.06, rowGap = down > 1 ? 0.26 / down : 0;
    const most = Math.max(...courses.flatMap((course) => course.offered)) * 1.08;
    const top = Math.max(1, ...courses.flatMap((course) => [...course.goodput, Math.min(course.capacity_per_s, most)])) * 1.18;
    const plot = layout({ height: 300 * down, margin: { l: 52, r: 14, t: 30, b: 44 }, hovermode: "closest" });
    const traces = courses.flatMap((course, i) => {
      const n = i === 0 ? "" : String(i + 1);
      const column = i % across, row = Math.floor(i / across);
      const w = (1 - gap * (across - 1)) / across, h = (1 - rowGap * (down - 1)) / down;
      const x0 = column * (w + gap), y1 = 1 - row * (h + rowGap);
      plot[`xaxis${n}`] = { ...axis(), domain: [x0, x0 + w], anchor: `y${n}`, range: [0, most], title: { text: "asked for, per second", font: { size: 11 } } };
      plot[`yaxis${n}`] = { ...axis(), domain: [y1 - h, y1], anchor: `x${n}`, range: [0, top], ...(column === 0 && { title: { text: "goodput, per second", font: { size: 11 } } }) };
      plot.annotations.push({
        xref: `x${n} domain`, yref: `y${n} domain`, x: 0, y: 1, xanchor: "left", yanchor: "bottom", showarrow: false, font: { size: 13 },
        text: `<span style="color:${colour(course.index)}">■</span> <b>${safe(course.design)}</b>${course.verdict ? `: ${course.verdict}` : ""}`,
      });
      const peak = course.offered.indexOf(Math.max(...course.offered));
      const part = (from, to, dash) => ({
        type: "scatter", mode: "lines", x: course.offered.slice(from, to), y: course.goodput.slice(from, to),
        line: { color: colour(course.index), width: 2.2, dash }, hoverinfo: "skip", xaxis: `x${n}`, yaxis: `y${n}`,
      });
      const limit = Math.min(course.capacity_per_s, most);
      return [
        { type: "scatter", mode: "lines", x: [0, limit, most], y: [0, limit, limit], line: { color: css("--asked"), width: 1.2, dash: "dash" }, hoverinfo: "skip", xaxis: `x${n}`, yaxis: `y${n}` },
        part(0, peak + 1, "solid"), part(peak, undefined, "dot"),
        {
          type: "scatter", mode: "markers+text", x: course.offered, y: course.goodput, text: course.offered.map((_, s) => String(s + 1)),
          textposition: course.offered.map((_, s) => (s <= peak ? "top left" : "bottom right")), textfont: { size: 11, color: css("--soft") },
          marker: { size: 8, color: colour(course.index) }, xaxis: `x${n}`, yaxis: `y${n}`, customdata: course.throughput,
          hovertemplate: "step %{text}: asked for %{x:,.0f}/s<br>goodput %{y:,.0f}/s<br>all successes %{customdata:,.0f}/s<extra></extra>",
        },
      ];
    });
    Plotly.newPlot(element, traces, plot, { displayModeBar: false, responsive: true });
  }

  function frontier(element, designs) {
    const all = designs.flatMap((points) => points.p99_ms).filter((v) => v > 0);
    const plot = layout({
      height: 460, margin: { l: 70, r: 20, t: 10, b: 50 }, hovermode: "closest", showlegend: true,
      legend: { orientation: "h", y: -0.16, x: 0 },
      xaxis: { ...axis(), title: { text: "goodput, per second" }, rangemode: "tozero" },
      yaxis: {
        ...axis(), type: "log", title: { text: "p99 of successes" }, tickvals: [1, 10, 100, 1000, 10000, 100000],
        ticktext: ["1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s"],
        range: [Math.log10(Math.min(100, ...all)) - 0.1, Math.log10(Math.max(1000, ...all)) + 0.15],
      },
    });
    const traces = designs.map((points) => ({
      type: "scatter", mode: "markers+lines", name: safe(points.design), x: points.goodput, y: points.p99_ms,
      line: { color: colour(points.index), width: 1, dash: "dot" },
      marker: { color: colour(points.index), size: points.errors.map((share) => 8 + 26 * Math.sqrt(share)), opacity: 0.85, line: { width: 0 } },
      customdata: points.place.map((place, i) => [safe(place), points.errors[i]]),
      hovertemplate: "%{customdata[0]}<br>goodput %{x:,.0f}/s, p99 %{y:,.0f} ms<br>refused or failed %{customdata[1]:.0%}<extra>%{fullData.name}</extra>",
    }));
    Plotly.newPlot(element, traces, plot, { displayModeBar: false, responsive: true });
  }

  const outcome = { succeeded: "--d2", declined: "--d4", rejected: "--d5", failed: "--d3", timed_out: "--bad" };

  function bars(element, charts) {
    const width = element.clientWidth || 900;
    const across = Math.max(1, Math.min(charts.length, width < 700 ? 1 : 2));
    const down = Math.ceil(charts.length / across);
    const gap = 0.07, rowGap = down > 1 ? 0.3 / down : 0;
    const heights = charts.flatMap((chart) => chart.labels.map((_, i) => chart.stacks.reduce((sum, stack) => sum + stack.counts[i], 0)));
    const top = Math.max(1, ...heights) * 1.12;
    const flat = charts.length === 1 && charts[0].title === "";
    const longest = flat ? Math.max(...charts[0].labels.map((label) => label.length)) : 0;
    const plot = layout({
      height: flat ? 90 + 34 * charts[0].labels.length : 330 * down, barmode: "stack", bargap: flat ? 0.35 : 0.08, hovermode: flat ? "closest" : "x unified",
      margin: { l: flat ? Math.max(110, 20 + 7 * longest) : 46, r: 14, t: 26, b: flat ? 34 : 48 }, showlegend: true, legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 1, xanchor: "right" },
    });
    const seen = new Set();
    const traces = charts.flatMap((chart, i) => {
      const n = i === 0 ? "" : String(i + 1);
      const column = i % across, row = Math.floor(i / across);
      const w = (1 - gap * (across - 1)) / across, h = (1 - rowGap * (down - 1)) / down;
      const x0 = column * (w + gap), y1 = 1 - row * (h + rowGap);
      const along = { ...axis(), type: "category", tickfont: { size: flat ? 13 : 10.5 }, ...(flat ? { autorange: "reversed" } : { tickangle: 0, tickvals: chart.labels.map(safe), ticktext: chart.labels.map((label, j) => (j % 2 ? "" : label.split(" to ")[0])), title: { text: "response time from, in seconds", font: { size: 11 } } }) };
      const counts = { ...axis(), range: flat ? undefined : [0, top], title: column === 0 || flat ? { text: "requests", font: { size: 11 } } : undefined };
      plot[`xaxis${n}`] = { ...(flat ? counts : along), domain: [x0, x0 + w], anchor: `y${n}` };
      plot[`yaxis${n}`] = { ...(flat ? along : counts), domain: [y1 - h, y1], anchor: `x${n}` };
      if (chart.title) plot.annotations.push({ xref: `x${n} domain`, yref: `y${n} domain`, x: 0, y: 1, xanchor: "left", yanchor: "bottom", showarrow: false, font: { size: 13 }, text: `<b>${safe(chart.title)}</b>` });
      return chart.stacks.map((stack) => {
        const fresh = !seen.has(stack.key);
        seen.add(stack.key);
        const labels = chart.labels.map(safe);
        return {
          type: "bar", orientation: flat ? "h" : "v", name: stack.name, legendgroup: stack.key, showlegend: fresh,
          x: flat ? stack.counts : labels, y: flat ? labels : stack.counts, marker: { color: css(outcome[stack.key]) },
          ...(flat && { text: stack.counts.map((v) => (v > 0 ? String(Math.round(v * 10) / 10) : "")), textposition: "inside", insidetextanchor: "middle", textangle: 0, textfont: { color: "#fff" } }),
          hovertemplate: `%{${flat ? "x" : "y"}:,.1f} ${stack.name}<extra></extra>`, xaxis: `x${n}`, yaxis: `y${n}`,
        };
      });
    });
    Plotly.newPlot(element, traces, plot, { displayModeBar: false, responsive: true });
  }

  const kinds = { hysteresis, frontier, bars };
  const draw = () => document.querySelectorAll(".drawing").forEach((element) => {
    element.replaceChildren();
    kinds[element.dataset.kind](element, JSON.parse(document.getElementById(element.dataset.numbers).textContent));
  });
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
