// The reviewer's keys; the page works without this file.
(function () {
  "use strict";

  var note = document.getElementById("f-note");
  var photo = document.getElementById("photo");

  // Nobody approves a photo that has not been shown.
  function seen() { return photo && photo.complete && photo.naturalWidth > 0; }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.isComposing) { return; }
    var field = event.target;
    if (field === note) {
      if (event.key === "Escape") { note.blur(); }
      return;
    }
    var key = event.key.toLowerCase();
    var box = /^[1-9]$/.test(key) && document.querySelector('[data-key="' + key + '"]');
    if (box) {
      box.checked = !box.checked;
    } else if (key === "a" && seen()) {
      document.getElementById("approve").requestSubmit();
    } else if (key === "r" && seen()) {
      document.getElementById("refuse").requestSubmit();
    } else if (event.key === "Escape") {
      document.querySelectorAll("#refuse [data-key]:checked").forEach(function (other) { other.checked = false; });
    } else {
      return;
    }
    event.preventDefault();
  });

  // When the key is up again: the letter itself must not arrive in the note.
  document.addEventListener("keyup", function (event) {
    if (event.key.toLowerCase() === "n" && note && event.target !== note && !event.ctrlKey && !event.altKey && !event.metaKey) { note.focus(); }
  });
})();
