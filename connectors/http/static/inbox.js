// Comforts only: every page works without this file.
"use strict";

// A button to print with; without a script the browser's own menu does it.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// What is wrong comes first, for those who do not see it.
const errors = document.getElementById("errors");
if (errors) errors.focus();

// A second press while the first is under way does nothing.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// How much room is left in a long text, said when a person pauses.
for (const area of document.querySelectorAll("textarea[data-longest]")) {
  const longest = Number(area.dataset.longest);
  const count = area.parentElement.querySelector(".count");
  let pause;
  count.setAttribute("aria-live", "polite");
  area.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(() => {
      const left = longest - [...area.value].length;
      count.textContent = left < 0 ? `${-left} characters too many` : `${left} characters left`;
    }, 600);
  });
}

// A message that is still being decided: look again a few times.
const again = document.querySelector("[data-again]");
if (again) {
  const tries = Number(sessionStorage.getItem(location.pathname) || 0);
  if (tries < 5) {
    sessionStorage.setItem(location.pathname, String(tries + 1));
    setTimeout(() => location.reload(), 1000 * (tries + 1));
  }
}

// Two minutes before the session ends, ask whether to stay (WCAG 2.2.1).
const minutes = Number(document.body.dataset.idleMinutes || 0);
function askToStay() {
  const bar = document.createElement("div");
  bar.className = "staying";
  bar.setAttribute("role", "alert");
  const words = document.createElement("span");
  words.textContent = "You will be signed out in 2 minutes. ";
  const stay = document.createElement("button");
  stay.type = "button";
  stay.className = "plain";
  stay.textContent = "Stay signed in";
  stay.addEventListener("click", async () => {
    const answer = await fetch("/session", { credentials: "same-origin", redirect: "error" }).catch(() => null);
    if (answer && answer.ok) {
      bar.remove();
      setTimeout(askToStay, (minutes - 2) * 60000);
    } else {
      words.textContent = "You were signed out. Copy what you wrote, then sign in again. ";
      stay.remove();
    }
  });
  bar.append(words, stay);
  document.body.prepend(bar);
}
if (minutes > 2) setTimeout(askToStay, (minutes - 2) * 60000);
