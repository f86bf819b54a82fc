// The search, the buttons that copy code, light and dark colours, and the menu on a phone. Works without a server.
(function () {
  "use strict";
  var root = document.documentElement, base = root.dataset.root;

  // ---------------------------------------------------------------- light and dark
  function stored(value) { // a browser may refuse storage to pages that are local files
    try {
      if (value) localStorage.setItem("moonrow-theme", value);
      return localStorage.getItem("moonrow-theme");
    } catch (e) { return null; }
  }
  if (stored()) root.dataset.theme = stored();
  document.querySelector(".theme").addEventListener("click", function () {
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    stored(root.dataset.theme);
  });

  // ---------------------------------------------------------------- the contents
  var menu = document.querySelector(".menu"), nav = document.querySelector("nav");
  function open(on) {
    root.classList.toggle("open", on);
    menu.setAttribute("aria-expanded", String(on));
  }
  menu.addEventListener("click", function () { open(!root.classList.contains("open")); });
  nav.addEventListener("click", function (e) { if (e.target.closest("a")) open(false); });
  var here = nav.querySelector("[aria-current]");
  if (here && here.offsetTop > nav.clientHeight - 100) nav.scrollTop = here.offsetTop - 100;

  // ---------------------------------------------------------------- copying
  function copied(text, done) {
    function by_hand() {
      var area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      done();
    }
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, by_hand); else by_hand();
  }
  document.querySelectorAll("pre:not(.output):not(.words)").forEach(function (pre) {
    var box = document.createElement("div"), button = document.createElement("button");
    box.className = "box";
    pre.replaceWith(box);
    button.className = "copy";
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", function () {
      copied(pre.textContent, function () {
        button.textContent = "Copied";
        setTimeout(function () { button.textContent = "Copy"; }, 1500);
      });
    });
    box.append(pre, button);
  });

  // ---------------------------------------------------------------- searching
  var input = document.querySelector(".search input"), list = document.querySelector(".results"), chosen = 0;
  var names = window.moonrowNames || [];

  // How well an entry matches; 0: not at all. Each word must be in its name or its text. The name counts more.
  function score(entry, words) {
    var name = entry[0].toLowerCase(), last = name.replace(/^.*[.:]/, ""), text = entry[3].toLowerCase(), sum = 0;
    for (var i = 0; i < words.length; i++) {
      var w = words[i], at = name.indexOf(w);
      if (last === w || name === w) sum += 100;
      else if (last.indexOf(w) === 0) sum += 60;
      else if (at === 0) sum += 50;
      else if (at > 0) sum += 30;
      else if (text.indexOf(w) >= 0) sum += 5;
      else return 0;
    }
    var kind = { "class": 6, "function": 5, guide: 4, field: 3, option: 2, event: 3, C: -8, examples: -2 }[entry[1]] || 0;
    return sum + kind - name.length / 100;
  }
  function find(text) {
    var words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    return names.map(function (e) { return [score(e, words), e]; }).filter(function (p) { return p[0] > 0; })
      .sort(function (a, b) { return b[0] - a[0]; }).slice(0, 30).map(function (p) { return p[1]; });
  }
  window.moonrowFind = find;

  function choose(n) {
    var items = list.querySelectorAll("[role=option]");
    if (!items.length) return;
    chosen = (n + items.length) % items.length;
    items.forEach(function (item, i) { item.setAttribute("aria-selected", String(i === chosen)); });
    items[chosen].scrollIntoView({ block: "nearest" });
  }
  function show() {
    var found = find(input.value);
    list.textContent = "";
    list.hidden = !input.value.trim();
    found.forEach(function (entry) {
      var item = document.createElement("li"), link = document.createElement("a"), parts = ["i", "b", "span"];
      item.setAttribute("role", "option");
      link.href = base + entry[2];
      [entry[1], entry[0], entry[3]].forEach(function (text, i) {
        var part = document.createElement(parts[i]);
        part.textContent = text;
        if (text) link.append(part);
      });
      item.append(link);
      list.append(item);
    });
    if (!found.length) {
      var none = document.createElement("li");
      none.className = "none";
      none.textContent = "Nothing has this name.";
      list.append(none);
    }
    choose(0);
  }
  input.addEventListener("input", show);
  input.addEventListener("focus", show);
  input.addEventListener("keydown", function (e) {
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      choose(chosen + (e.key === "ArrowDown" ? 1 : -1));
      e.preventDefault();
    } else if (e.key === "Enter") {
      var link = list.querySelector('[aria-selected="true"] a');
      if (link) { list.hidden = true; location.href = link.href; }
    } else if (e.key === "Escape") { input.blur(); list.hidden = true; }
  });
  list.addEventListener("click", function () { list.hidden = true; });
  document.addEventListener("click", function (e) { if (!e.target.closest(".search")) list.hidden = true; });
  document.addEventListener("keydown", function (e) {
    if (e.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) {
      input.focus();
      input.select();
      e.preventDefault();
    }
  });
})();
