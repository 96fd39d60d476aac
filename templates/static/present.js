// The card on a whole screen: a clock that runs by the server's time, and a screen that stays on.
(function () {
  "use strict";

  var time = document.querySelector("[data-now]");
  var began = performance.now();
  var at = Number(time.dataset.now);
  function two(n) { return (n < 10 ? "0" : "") + n; }
  function tick() {
    var now = new Date(at + performance.now() - began + 8 * 3600000); // Shanghai keeps no summer time
    time.textContent = now.getUTCFullYear() + "年" + (now.getUTCMonth() + 1) + "月" + now.getUTCDate() + "日 " +
      two(now.getUTCHours()) + ":" + two(now.getUTCMinutes()) + ":" + two(now.getUTCSeconds());
  }
  tick();
  setInterval(tick, 1000);

  // A phone that slept may have stopped its clock, and the card may have changed: the page is opened anew.
  var hiddenAt = 0;
  function wake() {
    if (navigator.wakeLock) { navigator.wakeLock.request("screen").catch(function () { /* low battery */ }); }
  }
  document.addEventListener("visibilitychange", function () {
    if (document.hidden) {
      hiddenAt = Date.now();
    } else if (hiddenAt && Date.now() - hiddenAt > 60000 && navigator.onLine) {
      location.reload();
    } else {
      wake();
    }
  });
  window.addEventListener("pageshow", function (event) { if (event.persisted) { location.reload(); } });
  wake();
})();
