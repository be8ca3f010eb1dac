// The approval page's own script: what was refused is shown where it was asked, and time passes while keys are made.

const page = document.getElementById("story");

// A refusal is an answer like any other: it is put where the form says.
document.body.addEventListener("htmx:beforeSwap", (event) => {
  if ([400, 408, 409, 413, 415].includes(event.detail.xhr.status)) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});
document.body.addEventListener("htmx:sendError", (event) => {
  event.detail.target?.replaceChildren(Object.assign(document.createElement("p"), { className: "note bad", textContent: "The program behind this page does not answer: has it ended?" }));
});

function tick() {
  document.querySelectorAll("[data-since]").forEach((element) => {
    element.textContent = `${Math.max(Date.now() / 1000 - Number(element.dataset.since), 0).toFixed(1)} s`;
  });
}
setInterval(tick, 200);

const stream = document.querySelector("[data-stream]");
function tell(lost) {
  const text = lost ? "no connection" : "live";
  const told = stream.querySelector("[data-stream-text]");
  stream.classList.toggle("stale", lost);
  if (told.textContent !== text) told.textContent = text;
}
document.body.addEventListener("htmx:sseOpen", () => tell(false));
document.body.addEventListener("htmx:sseError", () => tell(true));

// Another window may have begun a session about another model, whose forms are others.
document.body.addEventListener("htmx:sseMessage", () => {
  const model = document.getElementById("session-model").textContent.trim();
  if (model && model !== page.dataset.model) location.assign(location.pathname);
});

// Who is not employed has no years of it, and what is not known is not asked for.
function fit() {
  const years = document.querySelector("[name=years_employed]");
  if (years) years.disabled = !document.querySelector("[name=employed]").checked;
  document.querySelectorAll("[data-unknown]").forEach((box) => {
    document.querySelector(`[name=${box.dataset.unknown}]`).disabled = box.checked;
  });
}
document.addEventListener("change", fit);
fit();
