// What the page has without it: everything. What it adds: clocks that run, and news without a reload.
"use strict";
(() => {
  const notice = document.getElementById("notice");
  const ahead = Date.parse(document.body.dataset.now) - Date.now(); // of this machine's clock
  const left = (ms) => {
    const s = Math.floor(ms / 1000), two = (n) => String(n).padStart(2, "0");
    if (s <= 0) return "over";
    if (s < 60) return s + " s";
    if (s < 3600) return Math.floor(s / 60) + " min " + two(s % 60) + " s";
    return Math.floor(s / 3600) + " h " + two(Math.floor(s % 3600 / 60)) + " min";
  };
  const tick = () => {
    for (const t of document.querySelectorAll("time[data-until]")) {
      const ms = Date.parse(t.dataset.until) - Date.now() - ahead;
      t.textContent = left(ms);
      t.classList.toggle("soon", ms < 120000);
    }
  };
  tick();
  setInterval(tick, 1000);

  const version = document.body.dataset.version;
  if (!version) return;
  // Nobody's reading or writing is disturbed: then there is a link instead.
  const busy = (live) => live.querySelector("details[open], input:checked, :focus:not(a)") ||
    [...live.querySelectorAll("textarea, input[type=text]")].some((field) => field.value !== field.defaultValue);
  const offer = () => {
    const link = document.createElement("a");
    link.href = location.pathname + location.search;
    link.textContent = "Read it again";
    notice.replaceChildren("Something changed since you opened this page. ", link, ".");
  };
  const refresh = async () => {
    const live = document.getElementById("live");
    if (!live) return;
    if (busy(live)) return offer();
    const answer = await fetch(location.pathname + location.search, { credentials: "same-origin" });
    if (!answer.ok) return offer();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("live");
    if (!fresh || busy(live)) return offer();
    const focused = live.contains(document.activeElement) ? document.activeElement.id : "";
    live.replaceChildren(...fresh.childNodes);
    if (focused) document.getElementById(focused)?.focus();
    document.title = page.title;
    const count = document.getElementById("count"), now = page.getElementById("count");
    if (count && now && count.textContent !== now.textContent) {
      count.textContent = now.textContent;
      notice.textContent = now.textContent === "1" ? "Now 1 action waits." : "Now " + now.textContent + " actions wait.";
    }
    tick();
  };
  let running = Promise.resolve();
  new EventSource("/events?since=" + version).addEventListener("version", () => {
    running = running.then(refresh).catch(offer);
  });
})();
