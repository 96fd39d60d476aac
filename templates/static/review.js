// The reviewer's keys; the page works without this file.
(function () {
  "use strict";

  var fields = { n: document.getElementById("f-note"), q: document.getElementById("f-remark") };
  var photo = document.getElementById("photo");

  var notice = document.getElementById("notice");

  // Nobody decides on a photo that has not been shown.
  function seen() {
    if (!photo) { return false; }
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
