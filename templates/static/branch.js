// The counter's comforts; every page works without this file.
(function () {
  "use strict";

  // What stands in the field with the focus is replaced by the next scan.
  function select() {
    var field = document.activeElement;
    if (field && field.matches("input[data-select]") && field.value) { field.select(); }
  }
  window.addEventListener("pageshow", select);

  // Where there is a choice, the first one has the focus.
  var first = document.querySelector("[data-first]");
  if (first) { first.focus(); }

  // Enter goes on to the next empty field of the form instead of sending half of it. While an
  // input method is composing, Enter belongs to it.
  document.addEventListener("keydown", function (event) {
    var field = event.target;
    if (event.key !== "Enter" || event.isComposing || !field.matches("input[data-select]") || !field.form) { return; }
    var fields = Array.prototype.filter.call(field.form.querySelectorAll("input[data-select]"), function (other) {
      return !other.value.trim() && other.id !== "f-other";
    });
    if (field.value.trim() && fields.length > 0) {
      event.preventDefault();
      fields[0].focus();
    }
  });

  // A scanner may end with Tab. People leave a field by Tab as well, but they do not type eight
  // characters in a third of a second.
  var times = [];
  document.addEventListener("keydown", function (event) {
    var field = event.target;
    if (event.key !== "Tab" || event.shiftKey) {
      if (event.key.length === 1) {
        times.push(event.timeStamp);
        times = times.slice(-8);
      }
      return;
    }
    var scanned = times.length === 8 && event.timeStamp - times[0] < 350;
    times = [];
    if (!scanned || field.id !== "f-code" || !field.value.trim()) { return; }
    event.preventDefault();
    field.form.requestSubmit();
  });
})();
