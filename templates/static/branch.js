// The counter's comforts; every page works without this file.
(function () {
  "use strict";

  // What stands in the field with the focus is replaced by the next scan, unless somebody types already.
  var typed = false;
  document.addEventListener("keydown", function () { typed = true; }, { once: true, capture: true });
  window.addEventListener("load", function () {
    var field = document.activeElement;
    if (!typed && field && field.matches("input[data-select]") && field.value) { field.select(); }
  });

  // Where there is a choice, the first one has the focus.
  var first = document.querySelector("[data-first]");
  if (first) { first.focus(); }

  function onlyTail(field) {
    var line = document.getElementById("tail-only");
    if (!line) {
      line = document.createElement("p");
      line.id = "tail-only";
      line.className = "field-error";
      line.setAttribute("role", "alert");
      field.insertAdjacentElement("afterend", line);
    }
    line.textContent = "只输入最后四位。";
    field.addEventListener("input", function () { line.textContent = ""; }, { once: true });
  }

  // Enter in a field goes on to the next empty field of the form instead of sending half of it;
  // the button sends in any case. This comes before the listener of app.js, which marks the form as sent.
  document.addEventListener("submit", function (event) {
    var field = document.activeElement;
    if (!field || field.form !== event.target || !field.matches("input[data-select]") || !field.value.trim()) { return; }
    // A scan that came twice has run into the next page's field, or the whole ID number was typed: it
    // waits there to be typed over.
    if (field.id === "f-tail" && field.value.replace(/[\s\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]/g, "").length > 4) {
      event.preventDefault();
      event.stopImmediatePropagation();
      field.select();
      onlyTail(field);
      return;
    }
    var next = Array.prototype.find.call(event.target.querySelectorAll("input[data-select]"), function (other) {
      return !other.value.trim() && other.id !== "f-other";
    });
    if (next) {
      event.preventDefault();
      event.stopImmediatePropagation();
      next.focus();
    }
  });

  // Counting a parcel: how many boxes are ticked.
  var list = document.querySelector("[data-count]");
  var counted = document.querySelector("[data-counted]");
  if (list && counted) {
    // Enter on a box would send the form (on keypress, in all browsers), and a scanner sends Enter:
    // only the button confirms.
    list.addEventListener("keypress", function (event) {
      if (event.key === "Enter") { event.preventDefault(); }
    });
    list.addEventListener("change", function () {
      var boxes = list.querySelectorAll("input");
      var ticked = list.querySelectorAll("input:checked").length;
      counted.hidden = false;
      counted.textContent = "已清点 " + ticked + " 张，共 " + boxes.length + " 张";
    });
  }

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
