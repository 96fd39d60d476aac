// For browsers that cannot run the page's program: where it has not begun once everything is loaded, because it
// did not parse or did not arrive, a sentence says so. The form below it asks the server. No new syntax here.
(function () {
  "use strict";
  window.addEventListener("load", function () {
    if (!document.documentElement.getAttribute("data-verify")) {
      document.getElementById("plain").removeAttribute("hidden");
    }
  });
})();
