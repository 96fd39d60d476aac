// Prepares a photo before it is uploaded: upright, at most 2,048 pixels, cropped to 25 by 35. The server
// decides about every photo, and crops by itself where this file does not run. What is refused stays on the page
// with its buttons, since most of it can be mended by moving the picture.
(function () {
  "use strict";

  var LONGEST = 2048;          // older phones draw no larger canvas
  var WIDTH = 295;             // what the card needs; zooming ends there
  var form = document.querySelector("[data-photo]");
  if (!form || !window.Cropper || !window.URL) { return; }

  var input = form.querySelector("input[type=file]");
  var note = form.querySelector("[data-photo-note]");
  var room = form.querySelector("[data-crop]");
  var area = form.querySelector("[data-crop-area]");
  var submit = form.querySelector("[data-photo-submit]");
  var consent = form.querySelector("input[name=consent]");
  var label = submit.textContent;
  var source = null;           // the scaled picture
  var upload = null;           // the same as JPEG: it is sent in place of the file
  var turns = 0;               // quarter turns clockwise
  var cropper = null;
  var address = "";
  var latest = 0;              // raised by each change; what an earlier one still brings is dropped
  var busy = false;            // nothing can be sent before what is seen is what would be sent
  var progress = form.querySelector("[data-photo-busy]");

  function say(sentence) {
    note.textContent = sentence;
    note.hidden = !sentence;
  }

  function wait(on) {
    busy = on;
    submit.disabled = on;
    submit.textContent = on ? "正在处理照片…" : source ? "就用这一块，上传" : label;
    progress.textContent = on ? "正在处理照片…" : source ? "可以裁剪照片了" : "";
  }

  function close() {
    if (cropper) { cropper.destroy(); cropper = null; }
    if (address) { URL.revokeObjectURL(address); address = ""; }
    area.textContent = "";
    delete area.dataset.ready;
    room.hidden = true;
    source = upload = null;
    form.querySelectorAll("[data-crop-field]").forEach(function (field) { field.value = ""; });
  }

  function load(from) {
    return new Promise(function (done, failed) {
      var image = new Image();
      image.onload = function () { done(image); };
      image.onerror = function () { failed(new Error("not decoded")); };
      image.src = from; // browsers turn it upright by its EXIF orientation
    });
  }

  function jpeg(canvas) {
    return new Promise(function (done, failed) {
      canvas.toBlob(function (blob) { if (blob) { done(blob); } else { failed(new Error("no blob")); } }, "image/jpeg", 0.92);
    });
  }

  function canvasOf(width, height) {
    var canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    return canvas;
  }

  function scale(image) {
    var width = image.naturalWidth, height = image.naturalHeight;
    var ratio = Math.min(1, LONGEST / Math.max(width, height));
    var canvas = canvasOf(Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio)));
    var pen = canvas.getContext("2d");
    pen.fillStyle = "#fff"; // what is transparent would become black
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    return canvas;
  }

  function turned() {
    var side = turns % 2 === 1;
    var canvas = canvasOf(side ? source.height : source.width, side ? source.width : source.height);
    var pen = canvas.getContext("2d");
    pen.translate(canvas.width / 2, canvas.height / 2);
    pen.rotate(turns * Math.PI / 2);
    pen.drawImage(source, -source.width / 2, -source.height / 2);
    return canvas;
  }

  function crop() {
    var mine = latest += 1;
    wait(true);
    delete area.dataset.ready;
    jpeg(turned()).then(function (blob) {
      var from = URL.createObjectURL(blob);
      return load(from).then(function (image) {
        if (mine === latest) { show(image, from); } else { URL.revokeObjectURL(from); }
      });
    }).catch(function () { if (mine === latest) { fail(); } });
  }

  function show(image, from) {
    var mine = latest;
    if (cropper) { cropper.destroy(); }
    if (address) { URL.revokeObjectURL(address); }
    address = from;
    image.alt = "正在裁剪的照片";
    area.textContent = "";
    area.appendChild(image);
    room.hidden = false;
    cropper = new window.Cropper(image, {
      aspectRatio: 25 / 35, viewMode: 3, dragMode: "move", autoCropArea: 1,
      cropBoxMovable: false, cropBoxResizable: false, toggleDragModeOnDblclick: false,
      checkOrientation: false, checkCrossOrigin: false, guides: false, center: false, background: false, modal: false, highlight: false,
      minContainerWidth: 100, minContainerHeight: 140,
      ready: function () {
        if (mine !== latest) { return; }
        area.dataset.ready = "1";
        wait(false);
      },
      zoom: function (event) {
        var wide = area.clientWidth / event.detail.ratio; // pixels of the picture in the frame
        if (event.detail.ratio > event.detail.oldRatio && wide < WIDTH) { event.preventDefault(); }
      }
    });
  }

  function fail() {
    var file = input.files[0] || { type: "", name: "" };
    close();
    wait(false);
    input.value = "";
    if (/hei[cf]/i.test(file.type + " " + file.name)) {
      say("这个浏览器打不开 HEIC 照片。请在手机相册里把它另存为 JPG，或截图后再选；也可以直接拍一张。");
    } else {
      say("打不开这个文件。请选择 JPG 或 PNG 格式的照片。");
    }
    input.focus();
  }

  input.addEventListener("change", function () {
    var file = input.files && input.files[0];
    var mine = latest += 1;
    close();
    forget();
    say("");
    wait(Boolean(file));
    if (!file) { return; }
    var from = URL.createObjectURL(file);
    load(from).then(function (image) {
      if (mine !== latest) { return null; }
      source = scale(image);
      turns = 0;
      return jpeg(source).then(function (blob) {
        if (mine !== latest) { return; }
        upload = blob;
        crop();
      });
    }).catch(function () {
      if (mine === latest) { fail(); }
    }).then(function () { URL.revokeObjectURL(from); });
  });

  // A turn may follow another before its picture is drawn.
  function turn(quarters) {
    if (!source) { return; }
    turns = (turns + quarters) % 4;
    crop();
  }

  function act(name) {
    switch (name) {
    case "left": turn(3); break;
    case "right": turn(1); break;
    case "in": if (cropper) { cropper.zoom(0.1); } break;
    case "out": if (cropper) { cropper.zoom(-0.1); } break;
    }
  }

  room.addEventListener("click", function (event) {
    var button = event.target.closest("[data-do]");
    if (button) { act(button.dataset.do); }
  });

  var moves = { ArrowLeft: [-8, 0], ArrowRight: [8, 0], ArrowUp: [0, -8], ArrowDown: [0, 8] };
  area.addEventListener("keydown", function (event) {
    if (!cropper || event.ctrlKey || event.metaKey || event.altKey) { return; }
    var move = moves[event.key];
    if (move) {
      cropper.move(move[0], move[1]);
    } else if (event.key === "+" || event.key === "=") {
      act("in");
    } else if (event.key === "-" || event.key === "_") {
      act("out");
    } else {
      return;
    }
    event.preventDefault();
  });

  // Asked for before the form goes: it would come back without the photo that was cropped.
  submit.addEventListener("click", function (event) {
    if (consent && !consent.reportValidity()) { event.preventDefault(); }
  });

  // The rectangle lies in the picture as it is seen here: upright, then turned.
  form.addEventListener("submit", function (event) {
    if (busy) { event.preventDefault(); }
    if (busy || !cropper) { return; }
    event.preventDefault();
    var seen = cropper.getImageData();
    var data = cropper.getData();
    var x = Math.min(Math.max(0, data.x), seen.naturalWidth), y = Math.min(Math.max(0, data.y), seen.naturalHeight);
    var values = {
      x: x, y: y, w: Math.min(data.width, seen.naturalWidth - x), h: Math.min(data.height, seen.naturalHeight - y)
    };
    Object.keys(values).forEach(function (name) {
      form.elements.namedItem(name).value = values[name].toFixed(2);
    });
    form.elements.namedItem("rotate").value = String(turns * 90);
    send();
  });

  function send() {
    var mine = latest;
    var data = new FormData(form);
    data.set("photo", upload, "photo.jpg");
    wait(true);
    submit.textContent = "正在上传…";
    fetch(form.action, { method: "POST", body: data, credentials: "same-origin", headers: { Accept: "*/*" } }).then(function (answer) {
      if (answer.ok) {
        window.location.assign(answer.url);
        return null;
      }
      return answer.text().then(function (text) { refused(text, mine); });
    }).catch(function () {
      if (mine !== latest) { return; }
      wait(false);
      say("网络断开了，照片没有传上去。照片还在这里，请检查网络后再点一次上传。");
      submit.focus();
    });
  }

  // The reasons of the server's page take the place of the last ones. A page without any is another one, as
  // when a second tab was faster: it is asked for as a browser without this file would.
  function refused(text, mine) {
    if (mine !== latest) { return; }
    wait(false);
    var page = new DOMParser().parseFromString(text, "text/html");
    var reasons = page.getElementById("f-photo-error") || page.getElementById("f-consent-error");
    if (!reasons) {
      HTMLFormElement.prototype.submit.call(form);
      return;
    }
    forget();
    var fresh = document.importNode(reasons, true);
    form.insertBefore(fresh, form.firstChild);
    input.setAttribute("aria-invalid", "true");
    fresh.focus();
    fresh.scrollIntoView({ block: "nearest" });
  }

  // Reasons belong to the picture that was refused.
  function forget() {
    var old = document.getElementById("f-photo-error");
    if (old) { old.remove(); }
    input.removeAttribute("aria-invalid");
  }
})();
