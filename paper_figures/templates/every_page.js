"use strict";
(() => {
  // Printed, everything is open; on screen afterwards as it was.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const part of closed) part.open = true;
  });
  window.addEventListener("afterprint", () => { for (const part of closed) part.open = false; });
  // A claim's address on the front page leads to the claim.
  if (document.body.dataset.page === "index.html" && /^#[A-Za-z][\w.-]*$/.test(location.hash)
      && !document.getElementById(location.hash.slice(1))) {
    location.replace("ledger.html" + location.hash);
  }
})();
