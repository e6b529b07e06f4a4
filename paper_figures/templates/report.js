"use strict";
(() => {
  const form = document.getElementById("part-filter");
  const openAll = () => document.querySelectorAll("details").forEach((part) => { part.open = true; });
  window.addEventListener("beforeprint", openAll);
  if (!form) return;

  const text = document.getElementById("part-filter-text");
  const verdict = document.getElementById("part-filter-verdict");
  const family = document.getElementById("part-filter-family");
  const flag = document.getElementById("part-filter-flag");
  const count = document.getElementById("part-filter-count");
  const claims = [...document.querySelectorAll(".claim")];
  const rows = new Map([...document.querySelectorAll("#part-index [data-claim]")].map((row) => [row.dataset.claim, row]));

  const apply = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const claim of claims) {
      const fits = (!verdict.value || claim.dataset.verdict === verdict.value)
        && (!family.value || claim.dataset.family === family.value)
        && (!flag.value || claim.dataset.flags.split(" ").includes(flag.value))
        && words.every((word) => claim.dataset.text.includes(word));
      claim.hidden = !fits;
      rows.get(claim.id).hidden = !fits;
      shown += fits ? 1 : 0;
    }
    count.textContent = shown === claims.length ? `${shown} claims` : `${shown} of ${claims.length} claims`;
  };

  // A link to a claim that the filter hides shows everything again.
  const follow = () => {
    const claim = claims.find((one) => one.id === location.hash.slice(1));
    if (claim && claim.hidden) {
      form.reset();
      apply();
      claim.scrollIntoView();
    }
  };

  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  window.addEventListener("hashchange", follow);
  for (const link of document.querySelectorAll(".counts a")) {
    link.addEventListener("click", () => {
      form.reset();
      verdict.value = link.dataset.verdict || "";
      flag.value = link.dataset.flag || "";
      apply();
    });
  }
  apply();
})();
