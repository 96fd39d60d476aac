// Tabler takes its colours from an attribute; it follows the system's setting.
(function () {
  "use strict";
  var dark = matchMedia("(prefers-color-scheme: dark)");
  function apply() { document.documentElement.setAttribute("data-bs-theme", dark.matches ? "dark" : "light"); }
  apply();
  dark.addEventListener("change", apply);
})();
