// Small comforts; every page works without this file.
(function () {
  "use strict";

  // htmx would not swap error answers: they go to #notice, which is read aloud.
  document.addEventListener("htmx:beforeSwap", function (event) {
    var status = event.detail.xhr.status;
    if (status === 422) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    } else if (status >= 400) {
      var notice = document.getElementById("notice");
      if (notice) {
        event.detail.shouldSwap = true;
        event.detail.target = notice;
      }
    }
  });

  // A form is sent once: a second press of its button waits for the answer.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    if (form.hasAttribute("data-once")) {
      form.dataset.sent = "1";
      window.addEventListener("pageshow", function () { delete form.dataset.sent; }, { once: true });
    }
  });

  // "Copy" buttons exist only where there is a clipboard.
  if (navigator.clipboard) {
    document.querySelectorAll("[data-copy]").forEach(function (button) {
      button.hidden = false;
      button.addEventListener("click", function () {
        navigator.clipboard.writeText(button.dataset.copy).then(function () {
          var before = button.innerHTML;
          button.textContent = "已复制";
          setTimeout(function () { button.innerHTML = before; }, 1500);
        });
      });
    });
  }

  // Counts down until a code may be sent again. The server decides; this only shows it.
  document.querySelectorAll("button[data-wait]").forEach(function (button) {
    var left = parseInt(button.dataset.wait, 10);
    var text = button.textContent;
    if (!(left > 0)) { return; }
    button.disabled = true;
    (function tick() {
      if (left <= 0) {
        button.disabled = false;
        button.textContent = text;
        return;
      }
      button.textContent = text + "（" + left + " 秒）";
      left -= 1;
      setTimeout(tick, 1000);
    })();
  });

  // The first field with a fault takes the focus, so that the sentence is read first.
  var wrong = document.querySelector("[aria-invalid=true], [data-wrong]");
  if (wrong) { wrong.focus(); }
})();
