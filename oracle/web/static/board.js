// The dashboard's own script: curves, the theme's switch, and how fresh the live numbers are.

const COLOURS = ["--series-1", "--series-2", "--series-3", "--series-4"];
const STALE_SECONDS = 12;
const drawn = new Map();
let heldBack = 0;

const paused = () => Date.now() - heldBack < STALE_SECONDS * 1000;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function number(value) {
  if (value === null || value === undefined) return "–";
  return Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 1 ? value.toFixed(1) : value.toPrecision(2);
}

function moment(seconds, step) {
  const text = new Date(seconds * 1000).toISOString();
  return step >= 86400 || seconds % 86400 === 0 ? text.slice(5, 10) : text.slice(11, 16);
}

function draw(element) {
  drawn.get(element)?.destroy();
  const { times, series, unit } = JSON.parse(element.dataset.chart);
  const names = Object.keys(series);
  const grid = { stroke: colour("--line"), width: 1 };
  const axis = { stroke: colour("--faint"), grid, ticks: grid, font: "11px system-ui, sans-serif" };
  const plot = new uPlot(
    {
      width: Math.max(element.clientWidth, 200),
      height: 190,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: { y: false },
      scales: { y: { range: (_, low, high) => [Math.min(low ?? 0, 0), Math.max(high ?? 0, 0.001) * 1.08] } },
      axes: [{ ...axis, size: 30, values: (_, ticks, __, ___, step) => ticks.map((at) => moment(at, step)) }, { ...axis, size: 46, values: (_, ticks) => ticks.map(number) }],
      series: [
        { label: "UTC", value: (_, at) => (at === null ? "–" : new Date(at * 1000).toISOString().slice(0, 16).replace("T", " ")) },
        ...names.map((name, index) => ({
          label: `${name}`,
          stroke: colour(COLOURS[index % COLOURS.length]),
          width: 1.75,
          dash: [[], [6, 3], [2, 3], [8, 3, 2, 3]][index % 4],
          spanGaps: true,
          points: { show: times.length <= 40, size: 5 },
          value: (_, value) => (value === null ? "–" : `${number(value)} ${unit}`),
        })),
      ],
    },
    [times, ...names.map((name) => series[name])],
    element,
  );
  drawn.set(element, plot);
}

function drawAll() {
  for (const [element, plot] of drawn) {
    if (!element.isConnected) {
      plot.destroy();
      drawn.delete(element);
    }
  }
  document.querySelectorAll("[data-chart]").forEach(draw);
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function switchTheme() {
  const theme = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  const path = document.body.dataset.root;
  document.cookie = `risk_oracle_theme=${theme}; path=${path}; max-age=31536000; samesite=lax`;
  drawAll();
}

function watchLive() {
  const box = document.querySelector("[data-live]");
  if (!box) return;
  const text = box.querySelector("[data-live-text]");
  let lost = null;
  const tell = () => {
    const asOf = Number(document.querySelector("[data-as-of]")?.dataset.asOf ?? 0);
    const age = Date.now() / 1000 - asOf;
    const stale = lost !== null || (age > STALE_SECONDS && !paused());
    const at = new Date(asOf * 1000).toISOString().slice(11, 19);
    box.classList.toggle("stale", stale);
    const told = stale ? `stale since ${at} UTC` : paused() ? "waits while you read" : "live";
    // Said again only when it changes: a screen reader would never be silent.
    if (text.textContent !== told) text.textContent = told;
  };
  document.body.addEventListener("htmx:sseOpen", () => { lost = null; tell(); });
  document.body.addEventListener("htmx:sseError", () => { lost ??= Date.now(); tell(); });
  document.body.addEventListener("htmx:sseMessage", () => {
    lost = null;
    heldBack = 0;
    tell();
  });
  setInterval(tell, 1000);
  tell();
}

// While somebody reads a curve, or moves through the page by keyboard, a swap would take it away: it waits.
document.body.addEventListener("htmx:sseBeforeMessage", (event) => {
  if (event.detail?.type === "signedout") {
    event.preventDefault();
    location.reload();
    return;
  }
  const live = document.getElementById("live");
  if (live?.contains(document.activeElement) || live?.querySelector(".chart:hover")) {
    event.preventDefault();
    heldBack = Date.now();
  }
});
document.body.addEventListener("htmx:afterSwap", drawAll);
document.body.addEventListener("htmx:sseMessage", drawAll);
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-theme-switch]")) switchTheme();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
let resizing;
addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(drawAll, 150);
});
drawAll();
watchLive();
document.documentElement.dataset.ready = "yes";
