// Shows messages, each of them as text: nothing of a message is ever made an element here. Its html stands in a frame
// without scripts and without an origin. The data is in the page (one message) or comes from the server (`catch`).
"use strict";

const $ = (id) => document.getElementById(id);
const SANDBOX = "allow-popups allow-popups-to-escape-sandbox";
const alone = $("data") && JSON.parse($("data").textContent);
const state = { list: [], server: null, shown: 0, tab: null, view: null, narrow: false, ended: false };

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

// the list

function showList(news) {
  const items = state.list.map((one) => {
    const link = make(
      "a",
      { href: `#/${one.number}`, className: one.number > news ? "new" : "" },
      make("span", { className: "subject" }, titled(one.subject)),
      make("time", { dateTime: one.time }, clock(one.time)),
      make("span", { className: "who" }, `${one.sender} → ${one.recipients.join(", ")}`),
    );
    if (one.number === state.shown) link.setAttribute("aria-current", "true");
    return make("li", {}, link);
  });
  $("list").replaceChildren(...items.reverse());
  $("empty").hidden = state.list.length > 0;
  if (!state.ended) $("live").textContent = state.list.length === 1 ? "1 message" : `${state.list.length} messages`;
}

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
  const has = { HTML: view.html, Text: view.text !== "" || !view.html, Attachments: view.files.length > 0 };
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
  $("panel").className = chosen === "HTML" ? `frame${state.narrow ? " narrow" : ""}` : "";
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
  const label = name === "Attachments" ? [name, make("sup", {}, `${view.files.length}`)] : [name];
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

// where we are: #/ is the list, #/3 a message, #/3/source a part of it

async function route() {
  const [, number, part] = /^#\/(\d*)(?:\/([a-z]+))?$/.exec(location.hash) ?? [];
  if (number === undefined && state.shown) return; // an anchor within the page
  const known = state.list.find((one) => one.number === Number(number));
  const wide = matchMedia("(min-width: 761px)").matches;
  const target = known ?? (wide ? state.list.at(-1) : undefined);
  document.body.dataset.view = known ? "letter" : "list";
  if (part) state.tab = part;
  if (target && target.number !== state.shown) {
    const view = alone ? alone.view : await (await fetch(`${target.number}.json`)).json();
    state.view = view;
    state.shown = target.number;
  }
  if (target && state.shown === target.number) showMessage(false);
  for (const link of $("list").querySelectorAll("a")) {
    const current = link.getAttribute("href") === `#/${state.shown}`;
    if (current) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

async function refresh() {
  const seen = state.list.length;
  const { messages, server } = await (await fetch("messages.json")).json();
  state.list = messages;
  if (!state.server) {
    state.server = server;
    $("address").textContent = `${server.host}:${server.port}`;
    $("settings").replaceChildren(...pairs([
      ["Server", `${server.host}:${server.port}`], ["Security", "STARTTLS"], ["Username", server.username],
      ["Password", "as printed in the terminal"], ["CA file", server.ca_file],
    ]));
  }
  showList(seen || messages.length);
  if (!state.shown) await route();
}

addEventListener("hashchange", route);
if (alone) {
  document.body.dataset.alone = "";
  state.list = [alone.view.summary];
  $("empty").hidden = true;
  location.hash ||= "#/1";
  route();
} else {
  const events = new EventSource("events");
  events.onmessage = () => { state.ended = false; refresh(); };
  events.onerror = () => { state.ended = true; $("live").textContent = "ended"; };
}
