// What the pages do beyond a form: none of it is needed for any step.
"use strict";

// An order is followed live. Its events come all over again at first; what comes after
// the last one that the page knows is news, and the page is read anew.
const live = () => document.querySelector("[data-live]");
if (live() && window.EventSource && live().dataset.last) {
  let source, known = false, pending = 0, filled = false;
  document.addEventListener("input", () => { filled = true; });
  const renew = async (news) => {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-live]");
    if (!fresh || !news && fresh.textContent === live().textContent) return;
    if (news && !filled) {
      source.close();
      document.querySelector("main").replaceWith(page.querySelector("main"));
      follow();
    } else { // nobody loses what they typed: only the state is brought up to date
      live().replaceChildren(...fresh.childNodes);
    }
    const status = live().querySelector("[data-news]");
    status.textContent = status.dataset.news;
  };
  const follow = () => {
    const at = live();
    known = false;
    source = new EventSource(at.dataset.live);
    const seen = (event) => {
      if (!known) { known = event.lastEventId === at.dataset.last; return; }
      clearTimeout(pending);
      pending = setTimeout(renew, 300, true);
    };
    for (const type of at.dataset.types.split(" ")) source.addEventListener(type, seen);
  };
  follow();
  // Where somebody is on the way is no event of the order: that is looked at now and then.
  setInterval(() => { if (document.visibilityState === "visible") renew(false); }, 30000);
}

// How much time is left for an answer, in words that a screen reader gets once.
const counts = document.querySelectorAll("[data-until]");
const tick = () => {
  for (const at of counts) {
    const left = Math.max(0, Math.round((Date.parse(at.dataset.until) - Date.now()) / 1000));
    at.hidden = false;
    at.textContent = Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0");
  }
};
if (counts.length) { tick(); setInterval(tick, 1000); }

// A picture's hash is taken here, and the picture is not sent.
for (const input of document.querySelectorAll("input[type=file][data-hash]")) {
  if (!window.crypto || !crypto.subtle) break;
  input.addEventListener("change", async () => {
    const file = input.files[0], form = input.form, name = input.dataset.name || input.name;
    if (!file) return;
    const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    const keep = (field, value) => {
      let hidden = form.querySelector('input[type=hidden][name="' + field + '"]');
      if (!hidden) {
        hidden = document.createElement("input");
        hidden.type = "hidden";
        hidden.name = field;
        form.append(hidden);
      }
      hidden.value = value;
    };
    keep(name + ".sha256", Array.from(sum, (b) => b.toString(16).padStart(2, "0")).join(""));
    keep(name + ".bytes", String(file.size));
    if (form.querySelector("input[name=taken_at]")) keep("taken_at", new Date().toISOString().replace(/\.\d+Z$/, "Z"));
    input.dataset.name = name;
    input.removeAttribute("name");
    const hint = input.parentElement.querySelector("[data-hashed]");
    if (hint) { hint.textContent = hint.dataset.hashed; hint.setAttribute("role", "status"); }
  });
}
