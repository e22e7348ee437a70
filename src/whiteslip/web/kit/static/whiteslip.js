// Small comforts. Every page works without this file.
"use strict";

// After an error the summary gets the focus, so that a screen reader begins there.
function meetErrors(root) {
  const summary = root.querySelector("[data-error-summary]");
  if (summary) summary.focus();
}

// A form is sent once, however often its button is pressed; Back makes it usable again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) event.preventDefault();
  else if (!form.hasAttribute("hx-post")) form.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Elements that only help with a script say so, and are hidden without one.
for (const element of document.querySelectorAll("[data-needs-script]")) element.hidden = false;
for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => print());
}

// A slider and the number beside it say the same; the number is what is sent.
for (const slider of document.querySelectorAll("[data-slides]")) {
  const field = document.getElementById(slider.dataset.slides);
  slider.addEventListener("input", () => { field.value = slider.value; });
  field.addEventListener("input", () => { slider.value = field.value; });
}

// Single keys where a page offers them: they can be switched off, and never act while somebody types.
// A link is followed; a button is focused, so that Enter decides and a slip of the finger does not.
// A key that a page knows and does not offer as it stands says so.
const keys = document.querySelector("[data-keys]");
if (keys) {
  keys.checked = localStorage.getItem("keys") !== "off";
  keys.addEventListener("change", () => localStorage.setItem("keys", keys.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), select, textarea");
    const combined = event.ctrlKey || event.metaKey || event.altKey;
    if (!keys.checked || typing || combined || !/^[a-z]$/i.test(event.key)) return;
    const key = event.key.toUpperCase();
    const target = document.querySelector(`[aria-keyshortcuts="${key}"]`);
    const says = document.querySelector("[data-key-says]");
    const idle = document.querySelector(`template[data-key-idle="${key}"]`);
    if (says) says.textContent = !target && idle ? idle.content.textContent : "";
    if (!target) return;
    event.preventDefault();
    if (target.matches("a")) target.click();
    else {
      // What is in sight in the bar moves nothing: the page stays where it was read.
      const box = target.getBoundingClientRect();
      target.focus({ preventScroll: Boolean(target.closest(".bar")) && box.top >= 0 && box.bottom <= innerHeight });
    }
  });
}

document.addEventListener("htmx:afterSwap", (event) => meetErrors(event.target));
meetErrors(document);
