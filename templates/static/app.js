// Small comforts; every page works without this file.
(function () {
  "use strict";

  function polls(element) { return /^every /.test(element.getAttribute("hx-trigger") || ""); }

  // What could not be fetched is said in #notice, which is read aloud, until something can be. A poll
  // that fails again and again says so once, and moves nothing.
  function say(sentence, from) {
    var notice = document.getElementById("notice");
    if (!notice || notice.textContent === sentence) { return; }
    notice.textContent = "";
    if (!sentence) { return; }
    var line = document.createElement("p");
    line.className = "flash flash-warn";
    line.textContent = sentence;
    notice.appendChild(line);
    if (!polls(from)) { notice.scrollIntoView({ block: "nearest" }); }
  }

  // No answer within this time is as good as none.
  if (window.htmx) { window.htmx.config.timeout = 15000; }

  document.addEventListener("htmx:configRequest", function (event) {
    if (polls(event.target)) { event.detail.headers["Volcard-Poll"] = "1"; } // keeps no session alive
  });

  // A page that nobody looks at does not ask.
  document.addEventListener("htmx:beforeRequest", function (event) {
    if (document.hidden && polls(event.target)) { event.preventDefault(); }
  });

  document.addEventListener("htmx:afterRequest", function (event) {
    if (event.detail.successful) { say("", event.target); }
  });

  document.addEventListener("htmx:responseError", function (event) {
    var answer = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html").querySelector(".form-error");
    say(answer ? answer.textContent.trim() : "系统暂时没有答复，请稍后再试。", event.target);
  });

  ["htmx:sendError", "htmx:timeout"].forEach(function (name) {
    document.addEventListener(name, function (event) { say("网络不通，页面暂时不能更新。", event.target); });
  });

  // A form is sent once: a second press of its button waits for the answer. Where none comes, because
  // somebody stopped the browser or the network is gone, the form can be sent again after a while.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    if (event.defaultPrevented || !form.hasAttribute("data-once")) { return; }
    var button = event.submitter || form.querySelector("[type=submit]");
    var before = button && button.innerHTML;
    form.dataset.sent = "1";
    form.setAttribute("aria-busy", "true");
    if (button) { button.textContent = "正在提交…"; }
    function release() {
      clearTimeout(timer);
      window.removeEventListener("pageshow", back);
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
      if (button) { button.innerHTML = before; }
    }
    function back(event) { if (event.persisted) { release(); } }
    var timer = setTimeout(release, form.enctype === "multipart/form-data" ? 120000 : 15000);
    window.addEventListener("pageshow", back);
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

  // What a refused form held is sent again by the browser, which asks first.
  document.querySelectorAll("[data-resend]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () { location.reload(); });
  });

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
