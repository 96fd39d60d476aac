// Sorts branches by distance: the position goes once, in the body of a request, and is kept nowhere.
(function () {
  "use strict";
  if (!navigator.geolocation) { return; }

  function show() {
    document.querySelectorAll("[data-near]").forEach(function (button) { button.hidden = false; });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-near]");
    if (!button) { return; }
    var note = button.parentNode.querySelector("[data-near-note]");
    button.disabled = true;
    note.textContent = "正在获取位置…";
    navigator.geolocation.getCurrentPosition(function (position) {
      window.htmx.ajax("POST", button.dataset.near, {
        target: "#branches", swap: "outerHTML",
        values: { lng: position.coords.longitude, lat: position.coords.latitude }
      }).catch(function () { /* said below, as an answer that brought no list */ }).then(function () {
        if (!button.isConnected) { return; } // a list came, with a button of its own
        button.disabled = false;
        note.textContent = "没有查到，请按地区选择。";
      });
    }, function (error) {
      button.disabled = false;
      note.textContent = error.code === 1 ? "您没有允许使用位置，可以按地区选择。" : "没有得到位置，可以按地区选择。";
    }, { timeout: 8000, maximumAge: 300000 });
  });

  // After htmx, which stands later in the page; and again for each list that it brings.
  document.addEventListener("DOMContentLoaded", function () {
    if (!window.htmx) { return; }
    show();
    document.addEventListener("htmx:afterSettle", show);
  });
})();
