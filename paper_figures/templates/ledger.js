"use strict";
(() => {
  const form = document.getElementById("part-filter");
  if (!form) return;
  const fields = {};
  for (const name of ["q", "verdict", "family", "flag"]) fields[name] = document.getElementById(`part-filter-${name}`);
  const count = document.getElementById("part-filter-count");
  const rows = [...document.querySelectorAll("#part-index tbody tr")].map((row) => ({
    row, text: `${row.textContent} ${row.dataset.family}`.toLowerCase(), flags: row.dataset.flags.split(" "),
  }));

  const apply = () => {
    const words = fields.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { row, text, flags } of rows) {
      const fits = (!fields.verdict.value || row.dataset.verdict === fields.verdict.value)
        && (!fields.family.value || row.dataset.family === fields.family.value)
        && (!fields.flag.value || flags.includes(fields.flag.value))
        && words.every((word) => text.includes(word));
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    count.textContent = shown === rows.length ? `${shown} claims` : `${shown} of ${rows.length} claims`;
  };

  // The address holds what is asked: "#?verdict=REFUTED&q=theorem"; "#EMA-8" is a claim's row.
  const read = () => {
    const asked = new URLSearchParams(location.hash.startsWith("#?") ? location.hash.slice(2) : "");
    for (const [name, field] of Object.entries(fields)) {
      field.value = asked.get(name) || "";
      if (field.selectedIndex === -1) field.value = "";
    }
    apply();
  };
  const write = () => {
    const asked = new URLSearchParams();
    for (const [name, field] of Object.entries(fields)) if (field.value) asked.set(name, field.value);
    history.replaceState(null, "", `#?${asked}`);
    apply();
  };

  form.hidden = false;
  form.addEventListener("input", write);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(write));
  window.addEventListener("hashchange", read);
  read();
  const asked = /^#[A-Za-z][\w.-]*$/.test(location.hash) && document.getElementById(location.hash.slice(1));
  if (asked) asked.scrollIntoView({ block: "center" });
})();
