// Shows messages, each of them as text: nothing of a message is ever made an element here. Its html stands in a frame
// without scripts and without an origin. The data is in the page (one message) or comes from the server (`catch`).
"use strict";

const $ = (id) => document.getElementById(id);
const SANDBOX = "allow-popups allow-popups-to-escape-sandbox";
const alone = $("data") && JSON.parse($("data").textContent);
// `items` has a summary and a line of the list for each number, in the order of arrival.
const state = { items: new Map(), server: null, shown: 0, tab: null, view: null, narrow: false, dark: null, version: 0 };

function make(tag, properties = {}, ...children) {
  const { data, aria, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(aria ?? {})) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const size = (octets) =>
  octets < 1000 ? `${octets} B` : octets < 1e6 ? `${(octets / 1e3).toFixed(1)} kB` : `${(octets / 1e6).toFixed(1)} MB`;
const clock = (time) => (time ? new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : "");
const titled = (subject) => (subject ? subject : make("span", { className: "none" }, "(no subject)"));
const pairs = (list) => list.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]);

// the list: what is new is added to it, what is there is not drawn again

function line(one, isNew) {
  const link = make(
    "a",
    { href: `#/${one.number}`, className: isNew ? "new" : "" },
    make("span", { className: "subject", title: one.subject }, titled(one.subject)),
    make("time", { dateTime: one.time }, clock(one.time)),
    make("span", { className: "who" }, `${one.sender} → ${one.recipients.join(", ")}`),
  );
  return make("li", {}, link);
}

const haystack = (one) => `${one.subject}\n${one.sender}\n${one.recipients.join("\n")}`.toLowerCase();
const wanted = () => $("search").value.trim().toLowerCase().split(/\s+/).filter(Boolean);

function add(summaries, isNew) {
  const words = wanted();
  const lines = document.createDocumentFragment();
  for (const one of summaries) {
    if (state.items.has(one.number)) continue;
    const item = { ...one, text: haystack(one), element: line(one, isNew) };
    item.element.hidden = !words.every((word) => item.text.includes(word));
    state.items.set(one.number, item);
    lines.prepend(item.element);
  }
  $("list").prepend(lines);
}

function remove(numbers) {
  for (const number of numbers) {
    state.items.get(number)?.element.remove();
    state.items.delete(number);
  }
  if (state.shown && !state.items.has(state.shown)) leave();
}

const asked = () => Number(/^#\/(\d+)/.exec(location.hash)?.[1]);

function leave() {
  state.shown = 0;
  state.view = null;
  $("message").hidden = true;
  document.title = "sendkit";
  if (location.hash.length > 2 && !state.items.has(asked())) history.replaceState(null, "", "#/");
  document.body.dataset.view = "list";
}

function count() {
  const number = state.items.size;
  const shown = wanted().length ? visible().length : number;
  $("empty").hidden = number > 0;
  $("none").hidden = number === 0 || shown > 0;
  $("clear").disabled = number === 0;
  $("live").textContent = shown < number ? `${shown} of ${number}` : number === 1 ? "1 message" : `${number} messages`;
}

const visible = () => [...state.items.values()].filter((one) => !one.element.hidden).reverse();

function showRefused(refusals) {
  $("refused").hidden = refusals.length === 0;
  $("refused").querySelector("summary").textContent =
    refusals.length === 1 ? "1 client was refused" : `${refusals.length} clients were refused`;
  $("refused").querySelector("ol").replaceChildren(...refusals.toReversed().map((one) =>
    make("li", {}, make("time", { dateTime: one.time }, clock(one.time)), make("strong", {}, one.why),
      make("span", {}, one.hint))));
}

$("search").addEventListener("input", () => {
  const words = wanted();
  for (const one of state.items.values()) one.element.hidden = !words.every((word) => one.text.includes(word));
  count();
});

// the panels, in the order of their tabs

const PANELS = {
  HTML: (view) => {
    const frame = make("iframe", { title: "The html of the message", referrerPolicy: "no-referrer", aria: { sandbox: SANDBOX } });
    if (view.document === undefined) frame.src = `${view.summary.number}/html`;
    else frame.srcdoc = view.document;
    return [frame];
  },
  Text: (view) => [make("pre", { className: "text" }, view.text)],
  Headers: (view) => [
    make("table", { className: "headers" }, make("tbody", {}, ...view.headers.map(([name, value]) =>
      make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value))))),
  ],
  Attachments: (view) => [make("ul", { className: "files" }, ...view.files.map(file))],
  Envelope: (view) => [
    make("h3", {}, "Sender"),
    make("code", {}, `MAIL FROM:<${view.reverse_path}>`),
    make("h3", {}, "Recipients"),
    make("table", {},
      make("thead", {}, make("tr", {}, ...["Recipient", "Header", "Reply"].map((text) => make("th", { scope: "col" }, text)))),
      make("tbody", {}, ...view.recipients.map(([address, header, reply]) =>
        make("tr", {}, make("th", { scope: "row" }, address), make("td", {}, header || "none (blind copy)"),
          make("td", {}, make("code", { className: /^[45]/.test(reply) ? "refused" : "" }, reply)))))),
    ...(view.facts.length ? [make("h3", {}, "Session"), make("dl", {}, ...pairs(view.facts))] : []),
  ],
  Checks: (view) => [
    make("dl", { className: "checks" }, ...view.checks.flatMap(([what, todo]) => [make("dt", {}, what), make("dd", {}, todo)])),
  ],
  Source: (view) => [
    make("p", {}, make("a", { href: view.download, download: "message.eml" }, "Download the message"), ` (${size(view.summary.size)})`),
    make("pre", {}, view.source + (view.rest ? `\n… ${size(view.rest)} more` : "")),
  ],
};

function file(one) {
  const extension = one.name.includes(".") ? one.name.split(".").pop().slice(0, 4).toUpperCase() : "";
  const picture = one.picture ? make("img", { src: one.picture, alt: "", loading: "lazy" }) : extension;
  const notes = [one.type, size(one.size), ...(one.inline ? [`shown in the html as cid:${one.inline}`] : [])];
  return make("li", {},
    make("span", { className: "thumb", aria: { "aria-hidden": "true" } }, picture),
    make("div", {}, make("a", { href: one.href, download: one.name }, one.name), make("small", {}, notes.join(" · "))));
}

// the message

function tabsOf(view) {
  const has = {
    HTML: view.html, Text: view.text !== "" || !view.html, Attachments: view.files.length > 0, Checks: view.checks.length > 0,
  };
  return Object.keys(PANELS).filter((name) => has[name] !== false);
}

function showMessage(focus) {
  const view = state.view;
  const tabs = tabsOf(view);
  const chosen = tabs.find((name) => name.toLowerCase() === state.tab) ?? tabs[0];
  const header = (name) => view.headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
  $("message").hidden = false;
  $("subject").replaceChildren(titled(view.summary.subject));
  const named = ["From", "To", "Cc", "Reply-To", "Date"].map((name) => [name, header(name)]).filter(([, text]) => text);
  const blind = view.recipients.filter(([, place]) => !place).map(([address]) => address);
  if (blind.length) named.splice(-1, 0, ["Blind copy", blind.join(", ")]);
  $("people").replaceChildren(...pairs(named));
  $("tabs").replaceChildren(...tabs.map((name) => tab(name, name === chosen, view)));
  $("panel").setAttribute("aria-labelledby", `tab-${chosen}`);
  const dark = state.dark ?? (view.dark && matchMedia("(prefers-color-scheme: dark)").matches);
  $("panel").className = chosen === "HTML" ? `frame${state.narrow ? " narrow" : ""}${dark && view.dark ? " dark" : ""}` : "";
  $("dark").setAttribute("aria-pressed", `${dark}`);
  $("dark").hidden = chosen !== "HTML" || !view.dark;
  $("panel").replaceChildren(...PANELS[chosen](view));
  $("panel").scrollTop = 0;
  $(`tab-${chosen}`).scrollIntoView({ block: "nearest", inline: "nearest" });
  $("narrow").hidden = chosen !== "HTML";
  $("withheld").hidden = chosen !== "HTML" || !view.withheld.length;
  $("withheld").textContent = `Not loaded, not run: ${view.withheld.join(", ")}`;
  document.title = `${view.summary.subject || "(no subject)"} – sendkit`;
  if (focus) $(`tab-${chosen}`).focus();
}

function tab(name, selected, view) {
  const number = { Attachments: view.files.length, Checks: view.checks.length }[name];
  const label = number ? [name, make("sup", {}, `${number}`)] : [name];
  const aria = { role: "tab", "aria-selected": `${selected}`, "aria-controls": "panel", tabindex: selected ? "0" : "-1" };
  const button = make("button", { id: `tab-${name}`, type: "button", aria }, ...label);
  button.addEventListener("click", () => choose(name, false));
  return button;
}

function choose(name, focus) {
  state.tab = name.toLowerCase();
  history.replaceState(null, "", `#/${state.shown}/${state.tab}`);
  showMessage(focus);
}

$("tabs").addEventListener("keydown", (event) => {
  const names = tabsOf(state.view);
  const here = names.findIndex((name) => $(`tab-${name}`) === document.activeElement);
  const next = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: -1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  choose(names.at(next % names.length), true);
});
$("narrow").addEventListener("click", () => {
  state.narrow = !state.narrow;
  $("narrow").setAttribute("aria-pressed", `${state.narrow}`);
  $("panel").classList.toggle("narrow", state.narrow);
});

$("dark").addEventListener("click", () => {
  state.dark = $("dark").getAttribute("aria-pressed") !== "true";
  showMessage(false);
});

// deleting

const ask = (path) => fetch(path, { method: "DELETE" });

function deleteShown() {
  if (!state.shown) return;
  const lines = visible();
  const here = lines.findIndex((one) => one.number === state.shown);
  const next = lines[here + 1] ?? lines[here - 1];
  ask(`${state.shown}`);
  if (next) location.hash = `#/${next.number}`;
}

$("delete").addEventListener("click", deleteShown);
$("clear").addEventListener("click", () => ask("messages"));

// keys: none of them while somebody writes, none together with Ctrl, Alt or Meta

function step(by) {
  const lines = visible();
  const here = lines.findIndex((one) => one.number === state.shown);
  const target = lines[here < 0 ? 0 : here + by];
  if (target) {
    location.hash = `#/${target.number}`;
    target.element.scrollIntoView({ block: "nearest" });
  }
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  d: deleteShown,
  Delete: deleteShown,
  "/": () => $("search").focus(),
  Escape: () => { location.hash = "#/"; },
};

addEventListener("keydown", (event) => {
  if (alone || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target === $("search")) {
    if (event.key === "Escape" || event.key === "Enter") $("search").blur();
    return;
  }
  const digit = state.view && /^[1-9]$/.test(event.key) ? tabsOf(state.view)[Number(event.key) - 1] : undefined;
  if (digit) choose(digit, false);
  else if (KEYS[event.key]) KEYS[event.key]();
  else return;
  event.preventDefault();
});

// where we are: #/ is the list, #/3 a message, #/3/source a part of it

async function route() {
  const [, number, part] = /^#\/(\d*)(?:\/([a-z]+))?$/.exec(location.hash) ?? [];
  if (number === undefined && state.shown) return; // an anchor within the page
  const known = state.items.get(Number(number));
  const wide = matchMedia("(min-width: 761px)").matches;
  const target = known ?? (wide ? visible()[0] : undefined);
  document.body.dataset.view = known ? "letter" : "list";
  state.target = target;
  if (part) state.tab = part;
  if (target && target.number !== state.shown) {
    const answer = alone ? null : await fetch(`${target.number}.json`);
    const view = alone ? alone.view : answer.ok && (await answer.json());
    if (!view || state.target !== target) return; // deleted, or left for another one, meanwhile
    state.items.get(state.shown)?.element.firstChild.removeAttribute("aria-current");
    state.view = view;
    state.shown = target.number;
    state.items.get(state.shown)?.element.firstChild.setAttribute("aria-current", "true");
  }
  if (target && state.shown === target.number) showMessage(false);
}

async function hear(news, isNew) {
  state.version = news.version;
  if (news.reset) {
    state.items.clear();
    $("list").replaceChildren();
  }
  add(news.added, isNew);
  remove(news.removed);
  showRefused(news.refusals);
  count();
  if (!state.shown) await route();
}

async function start() {
  const { server, ...news } = await (await fetch("messages.json")).json();
  $("address").textContent = server.address;
  $("settings").replaceChildren(...pairs([
    ["Server", server.address], ["Security", server.security], ["Username", server.username],
    ["Password", "as printed in the terminal"], ["CA file", server.ca_file],
  ]));
  await hear(news, false);
  const events = new EventSource(`events?since=${news.version}`);
  events.onmessage = (event) => hear(JSON.parse(event.data), true);
  events.onopen = count;
  events.onerror = () => { $("live").textContent = "ended"; };
}

addEventListener("hashchange", route);
if (alone) {
  document.body.dataset.alone = "";
  add([alone.view.summary], false);
  $("empty").hidden = true;
  location.hash ||= "#/1";
  route();
} else {
  start();
}
