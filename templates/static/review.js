// The reviewer's keys; the page works without this file.
(function () {
  "use strict";

  var fields = { n: document.getElementById("f-note"), q: document.getElementById("f-remark") };
  var photo = document.getElementById("photo");

  var notice = document.getElementById("notice");

  // The seconds in which an approval can be taken back. The place stays empty after it, so that nothing jumps.
  var retract = document.getElementById("retract");
  if (retract) {
    var end = Date.now() + 1000 * Number(retract.dataset.left);
    var count = retract.querySelector("[data-count]");
    var clock = setInterval(function () {
      var left = Math.ceil((end - Date.now()) / 1000);
      if (left > 0) { count.textContent = left; return; }
      clearInterval(clock);
      retract.style.visibility = "hidden";
      retract = null;
    }, 250);
  }

  // Nobody decides on a photo that has not been shown.
  function seen() {
    if (!photo || claim.querySelector("button:disabled")) { return false; }
    if (photo.complete && photo.naturalWidth > 0) { return true; }
    say(photo.complete ? "照片没有加载出来，请刷新页面后再决定。" : "照片还在加载，显示出来后再决定。");
    return false;
  }

  function say(sentence) {
    notice.textContent = "";
    var line = document.createElement("p");
    line.className = "flash flash-warn";
    line.textContent = sentence;
    notice.appendChild(line);
  }

  // A claim that is over: every button of the case could only fail.
  var claim = document.querySelector("[data-claim]");
  if (claim) {
    setTimeout(function () {
      claim.querySelectorAll("button").forEach(function (button) { button.disabled = true; });
      say("15 分钟已过，这份申请已退回队列。请回到“照片审核”领取下一份。");
    }, 1000 * Math.max(0, Number(claim.dataset.claim)));
  }

  if (photo) {
    photo.addEventListener("load", function () { notice.textContent = ""; });
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.isComposing) { return; }
    var field = event.target;
    if (field === fields.n || field === fields.q) {
      if (event.key === "Escape") { field.blur(); }
      return;
    }
    var key = event.key.toLowerCase();
    var box = /^[1-9]$/.test(key) && document.querySelector('[data-key="' + key + '"]');
    if (box) {
      box.checked = !box.checked;
    } else if (key === "z" && retract) {
      retract.requestSubmit();
    } else if (key === "a" || key === "r") {
      if (seen()) { document.getElementById(key === "a" ? "approve" : "refuse").requestSubmit(); }
    } else if (event.key === "Escape") {
      document.querySelectorAll("#refuse [data-key]:checked").forEach(function (other) { other.checked = false; });
    } else {
      return;
    }
    event.preventDefault();
  });

  // When the key is up again: the letter itself must not arrive in the field.
  document.addEventListener("keyup", function (event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target === fields.n || event.target === fields.q) { return; }
    var field = fields[event.key.toLowerCase()];
    if (field) { field.focus(); }
  });
})();
