// Draws a replay (see frames.py) and moves all its pictures with one slider. Needs Plotly, and nothing from the network.
"use strict";
(() => {
  const root = document.getElementById("replay");
  const replay = JSON.parse(document.getElementById("replay-data").textContent);
  const slider = root.querySelector("input[type=range]");
  const button = root.querySelector("button");
  const told = root.querySelector("output");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const NAME = 17; // pixels that a name at a map's side needs
  const charts = [];
  let shown = replay.steps.length - 1;
  let wanted = shown;
  let timer = null;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const number = (value) => value.toLocaleString("en-GB");

  // Numbers come as deflated whole numbers of one or two bytes between a lowest and a highest; the last code is "none".
  async function unpack(picture) {
    const packed = Uint8Array.from(atob(picture.data), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = await new Response(stream).arrayBuffer();
    picture.codes = picture.bytes === 2 ? new Uint16Array(bytes) : new Uint8Array(bytes);
    picture.none = picture.bytes === 2 ? 65535 : 255;
    picture.perFrame = picture.shape.slice(1).reduce((product, size) => product * size, 1);
    delete picture.data;
  }

  function valuesOf(picture, frame, begin, length) {
    const scale = (picture.highest - picture.lowest) / (picture.none - 1);
    const values = new Array(length);
    const first = frame * picture.perFrame + begin;
    for (let i = 0; i < length; i++) {
      const code = picture.codes[first + i];
      values[i] = code === picture.none ? null : picture.lowest + code * scale;
    }
    return values;
  }

  function rowsOf(picture, frame, tile) {
    const [, , rows, columns] = picture.shape;
    const flat = valuesOf(picture, frame, tile * rows * columns, rows * columns);
    return Array.from({ length: rows }, (_, row) => flat.slice(row * columns, (row + 1) * columns));
  }

  const padded = (low, high) => [low - 0.04 * (high - low), high + 0.04 * (high - low)];

  function axis(title, more) {
    return {
      title: { text: title, standoff: 6 }, automargin: true, zeroline: false, gridcolor: colour("--line"),
      linecolor: colour("--line"), fixedrange: true, ...more,
    };
  }

  function layoutOf(height, more) {
    return {
      height, margin: { l: 48, r: 12, t: 24, b: 40 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "inherit", size: 12, color: colour("--text") }, showlegend: false,
      hoverlabel: { font: { family: "inherit" } }, ...more,
    };
  }

  // Places of n panels in rows: [x from, x to, y from, y to], the first at the top left.
  function places(n, columns, gap) {
    const rows = Math.ceil(n / columns);
    return Array.from({ length: n }, (_, i) => {
      const column = i % columns, row = Math.floor(i / columns);
      const width = (1 - gap * (columns - 1)) / columns, height = (1 - gap * (rows - 1)) / rows;
      const left = column * (width + gap), top = 1 - row * (height + gap);
      return [left, Math.min(1, left + width), Math.max(0, top - height), top];
    });
  }

  function names(texts, place) {
    return texts.map((text, i) => ({
      text, showarrow: false, xref: "paper", yref: "paper", x: place[i][0], y: place[i][3],
      xanchor: "left", yanchor: "bottom", font: { size: 11 },
    }));
  }

  const kinds = {
    curves: {
      draw(picture) {
        const traces = picture.lines.map((line) => ({
          type: "scatter", mode: "lines", name: line.name, x: picture.steps[line.axis], y: line.values,
          line: { color: dark.matches ? line.dark : line.light, width: 1.8, dash: line.dash },
          hovertemplate: "%{y:.3g}",
        }));
        const layout = layoutOf(300, {
          showlegend: true, legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 }, hovermode: "x unified",
          xaxis: axis("step (weight updates)", { range: padded(replay.steps[0], replay.steps.at(-1)) }),
          yaxis: axis("loss (nats)", { type: "log", exponentformat: "power", dtick: picture.dtick }),
          shapes: [{ type: "line", yref: "paper", y0: 0, y1: 1, line: { color: colour("--text"), width: 1.5 } }],
        });
        return [traces, layout];
      },
      ready(div) {
        div.on("plotly_click", (event) => goTo(nearest(event.points[0].x)));
      },
      show(div, picture, frame) {
        const step = replay.steps[frame];
        return Plotly.relayout(div, { "shapes[0].x0": step, "shapes[0].x1": step });
      },
    },
    bars: {
      draw(picture) {
        const several = picture.series.length > 1;
        const traces = picture.series.map((name, i) => ({
          type: "bar", name, x: picture.labels, y: [],
          marker: { color: replay.colours[i % replay.colours.length], line: { width: 0 } },
          hovertemplate: `%{x}: %{y:.3g}<extra>${several ? "%{fullData.name}" : ""}</extra>`,
        }));
        const low = Math.min(0, picture.lowest);
        const layout = layoutOf(several ? 300 : 240, {
          showlegend: several, legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
          xaxis: axis(picture.xlabel, { type: "category", nticks: 14, tickangle: "auto" }),
          yaxis: axis(picture.ylabel, { range: low < 0 ? padded(low, picture.highest) : [0, picture.highest * 1.04 || 1] }),
          bargap: 0.15,
        });
        return [traces, layout];
      },
      show(div, picture, frame) {
        const n = picture.labels.length;
        return Plotly.restyle(div, { y: picture.series.map((_, i) => valuesOf(picture, frame, i * n, n)) });
      },
    },
    maps: {
      draw(picture, width) {
        const [, tiles, rows, columns] = picture.shape;
        const across = Math.min(tiles, width < 700 ? 2 : tiles > 4 ? Math.ceil(tiles / 2) : 4);
        const gap = 0.09, place = places(tiles, across, gap);
        const down = Math.ceil(tiles / across), share = (n) => (1 - gap * (n - 1)) / n;
        const tile = (width - 130) * share(across), side = tile * Math.min(1.1, Math.max(0.35, rows / columns));
        const traces = [], axes = {};
        for (let i = 0; i < tiles; i++) {
          const id = i ? String(i + 1) : "";
          traces.push({
            type: "heatmap", xaxis: `x${id}`, yaxis: `y${id}`, coloraxis: "coloraxis", hoverongaps: false, z: [],
            hovertemplate: `${picture.ylabel} %{y}, ${picture.xlabel} %{x}: %{z:.3g}<extra></extra>`,
          });
          const left = i % across === 0, bottom = i + across >= tiles;
          const [x0, x1, y0, y1] = place[i];
          const ticks = (texts, room) => texts.length
            ? { tickmode: "array", ...thinned(texts, room / NAME) } : { nticks: Math.min(5, Math.ceil(room / (2 * NAME))) };
          axes[`xaxis${id}`] = axis(bottom ? picture.xlabel : "", {
            domain: [x0, x1], anchor: `y${id}`, range: [-0.5, columns - 0.5], showgrid: false, ...ticks(picture.columns, tile),
            showticklabels: bottom, tickangle: picture.columns.some((name) => name.length > 2) ? -90 : 0,
          });
          axes[`yaxis${id}`] = axis(left ? picture.ylabel : "", {
            domain: [y0, y1], anchor: `x${id}`, range: [rows - 0.5, -0.5], showgrid: false, ...ticks(picture.rows, side),
            showticklabels: left,
          });
        }
        const layout = layoutOf(Math.round(side / share(down)) + 64, {
          ...axes, annotations: names(picture.tiles, place),
          coloraxis: {
            colorscale: replay.palettes[picture.palette], cmin: picture.lowest, cmax: picture.highest,
            colorbar: { thickness: 10, len: 0.9, outlinewidth: 0, title: { text: picture.label, side: "right" } },
          },
        });
        return [traces, layout];
      },
      show(div, picture, frame) {
        return Plotly.restyle(div, { z: picture.tiles.map((_, tile) => rowsOf(picture, frame, tile)) });
      },
    },
    points: {
      draw(picture, width) {
        const [, tiles, points] = picture.shape;
        const across = Math.min(tiles, width < 420 ? 2 : tiles > 3 && width > 700 ? Math.ceil(tiles / 2) : 3), place = places(tiles, across, 0.05);
        const extent = 1.08 * Math.max(-picture.lowest, picture.highest);
        const traces = [], axes = {};
        picture.sorted = picture.order.map((round) => [...round.keys()].sort((a, b) => round[a] - round[b]));
        for (let i = 0; i < tiles; i++) {
          const id = i ? String(i + 1) : "";
          const order = picture.sorted[i];
          traces.push({
            type: "scatter", mode: "lines+markers", xaxis: `x${id}`, yaxis: `y${id}`, x: [], y: [], text: order,
            line: { color: colour("--line"), width: 1 },
            marker: { size: 5, color: order.map((_, k) => k / points), colorscale: replay.palettes.cyclic, cmin: 0, cmax: 1 },
            hovertemplate: "token %{text}<extra></extra>",
          });
          const [x0, x1, y0, y1] = place[i];
          const bare = { range: [-extent, extent], showticklabels: false, showgrid: false, ticks: "" };
          axes[`xaxis${id}`] = axis("", { ...bare, domain: [x0, x1], anchor: `y${id}` });
          axes[`yaxis${id}`] = axis("", { ...bare, domain: [y0, y1], anchor: `x${id}`, scaleanchor: `x${id}` });
        }
        const side = (width - 60) / across;
        const layout = layoutOf(Math.round(Math.ceil(tiles / across) * (side + 14) + 40), {
          ...axes, annotations: names(picture.tiles, place), margin: { l: 12, r: 12, t: 24, b: 12 },
        });
        return [traces, layout];
      },
      show(div, picture, frame) {
        const points = picture.shape[2];
        const x = [], y = [];
        picture.sorted.forEach((order, tile) => {
          const flat = valuesOf(picture, frame, tile * points * 2, points * 2);
          x.push(order.map((token) => flat[2 * token]));
          y.push(order.map((token) => flat[2 * token + 1]));
        });
        return Plotly.restyle(div, { x, y });
      },
    },
  };

  // At most about so many names along an axis.
  function thinned(texts, most) {
    const every = Math.max(1, Math.ceil(texts.length / Math.max(2, most)));
    const tickvals = texts.map((_, i) => i).filter((i) => i % every === 0);
    return { tickvals, ticktext: tickvals.map((i) => texts[i]) };
  }

  function nearest(step) {
    let best = 0;
    replay.steps.forEach((each, i) => { if (Math.abs(each - step) < Math.abs(replay.steps[best] - step)) best = i; });
    return best;
  }

  function goTo(frame) {
    wanted = Math.max(0, Math.min(replay.steps.length - 1, frame));
    slider.value = wanted;
    told.textContent = replay.told[wanted];
    slider.setAttribute("aria-valuetext", replay.told[wanted]);
  }

  // Draws what is wanted, as fast as the machine can and never two at once; what is out of sight waits.
  async function follow() {
    for (;;) {
      const late = charts.filter((chart) => chart.inSight && chart.frame !== wanted);
      if (late.length) {
        const frame = wanted;
        for (const chart of late) {
          await kinds[chart.picture.kind].show(chart.div, chart.picture, frame);
          chart.frame = frame;
          chart.div.dataset.step = replay.steps[frame];
        }
        shown = frame;
      }
      await new Promise(requestAnimationFrame);
    }
  }

  function play() {
    if (timer !== null) {
      clearInterval(timer);
      timer = null;
    } else {
      if (wanted === replay.steps.length - 1) goTo(0);
      timer = setInterval(() => {
        if (shown !== wanted) return;
        if (wanted === replay.steps.length - 1) play();
        else goTo(wanted + 1);
      }, Math.max(60, Math.min(250, 15000 / replay.steps.length)));
    }
    button.textContent = timer === null ? "Play" : "Pause";
  }

  async function draw(chart) {
    const { div, picture } = chart;
    const kind = kinds[picture.kind];
    const width = div.clientWidth;
    const [traces, layout] = kind.draw(picture, width);
    // said and not left to Plotly, which keeps the width that it had before
    await Plotly.react(div, traces, { ...layout, width }, { displayModeBar: false, responsive: false });
    chart.frame = null;
  }

  async function redraw() {
    for (const chart of charts) if (chart.drawn) await draw(chart);
  }

  async function begin() {
    if (typeof DecompressionStream === "undefined" || typeof Plotly === "undefined") {
      told.textContent = "This browser is too old for the pictures over training (it has no DecompressionStream).";
      return;
    }
    slider.max = replay.steps.length - 1;
    slider.addEventListener("input", () => goTo(Number(slider.value)));
    button.addEventListener("click", play);
    if (still.matches) button.hidden = true;
    goTo(shown);
    const seen = new IntersectionObserver(async (entries) => {
      for (const entry of entries) {
        const chart = charts.find((each) => each.div === entry.target);
        if (entry.isIntersecting && !chart.drawn) {
          chart.drawn = true;
          if (chart.picture.shape) await unpack(chart.picture);
          await draw(chart);
          kinds[chart.picture.kind].ready?.(chart.div);
        }
        chart.inSight = entry.isIntersecting;
      }
    }, { rootMargin: "200px" });
    for (const picture of replay.pictures) {
      const div = document.getElementById(`replay-${picture.name}`);
      charts.push({ div, picture, frame: null, drawn: false, inSight: false });
      seen.observe(div);
    }
    dark.addEventListener("change", redraw);
    let resized = null;
    addEventListener("resize", () => {
      clearTimeout(resized);
      resized = setTimeout(redraw, 150);
    });
    follow();
  }

  begin();
})();
