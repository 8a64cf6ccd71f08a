// The page that tries POST /predict. Everything that comes from outside is written with textContent, never as HTML.
"use strict";

const SHOWN_CHARS = 20000;
const ENDINGS = {
  "application/json": "json",
  "text/csv": "csv",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
  "application/vnd.apache.parquet": "parquet",
};
const byId = (id) => document.getElementById(id);
let droppedFile = null;
let lastUrl = null;
let token = ""; // nowhere else: neither in the address nor in the browser's store

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function show(node, isShown) {
  node.hidden = !isShown;
}

// --- what is asked for ---

const chosenFile = () => droppedFile || byId("file").files[0] || null;
const chosenFormat = () => document.querySelector("input[name=format]:checked").value;
const chosenModels = () => [...document.querySelectorAll("#models input:checked")].map((box) => box.value);

function query() {
  const parts = new URLSearchParams();
  for (const uri of chosenModels()) parts.append("model", uri);
  const isJson = chosenFormat() === "application/json";
  if (isJson && byId("shape").value) parts.set("shape", byId("shape").value);
  if (!isJson && byId("columns").value) parts.set("columns", byId("columns").value);
  if (byId("reasons").value) parts.set("reasons", byId("reasons").value);
  if (byId("details").checked) parts.set("details", "1");
  // Colons, slashes and @ need no escape in a query, and read better without.
  return parts.toString().replaceAll("%3A", ":").replaceAll("%2F", "/").replaceAll("%40", "@");
}

const authorization = () => (token ? { Authorization: `Bearer ${token}` } : {});
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function fileArgument(name) {
  const isPlain = /^[\w.\-]+$/.test(name);
  return isPlain ? `file=@${name}` : quoted(`file=@"${name.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`);
}

function drawCommand() {
  const file = chosenFile();
  const address = new URL("predict", document.baseURI).href + (query() ? `?${query()}` : "");
  const format = chosenFormat();
  const lines = [`curl -F ${fileArgument(file ? file.name : "customers.csv")}`];
  if (format !== "application/json") lines.push(`-H 'Accept: ${format}' -o predictions.${ENDINGS[format]}`);
  if (token) lines.push('-H "Authorization: Bearer $BELLWETHER_TOKEN"');
  lines.push(quoted(address));
  byId("curl").textContent = lines.join(" \\\n  ");
  show(byId("shape-field"), format === "application/json");
  show(byId("columns-field"), format !== "application/json");
  byId("file-name").textContent = file ? `${file.name} (${size(file.size)})` : "Choose a file or drop it here";
}

function size(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  const unit = bytes < 1024 ** 2 ? "KiB" : "MiB";
  return `${(bytes / (unit === "KiB" ? 1024 : 1024 ** 2)).toFixed(1)} ${unit}`;
}

// --- the answer ---

function clearAnswer(words) {
  for (const id of ["status", "words", "findings", "download", "body", "header-box"]) show(byId(id), false);
  byId("empty").textContent = words;
  show(byId("empty"), true);
}

function drawStatus(response, seconds) {
  const check = response.headers.get("Bellwether-Check");
  const kind = !response.ok ? "bad" : check === "amber" ? "ask" : "good";
  byId("status").textContent = `${response.status} in ${seconds.toFixed(2)} s${check ? `, check ${check}` : ""}`;
  byId("status").className = `badge ${kind}`;
  show(byId("status"), true);
  show(byId("empty"), false);
  byId("headers").replaceChildren();
  for (const [name, value] of response.headers) {
    if (/^(bellwether|content-type|content-length|content-disposition|retry-after)/i.test(name)) {
      byId("headers").append(element("dt", name), element("dd", value));
    }
  }
  show(byId("header-box"), true);
}

function drawWords(text, findings) {
  byId("words").textContent = text;
  show(byId("words"), Boolean(text));
  byId("findings").replaceChildren(...findings.map((finding) => element("li", finding)));
  show(byId("findings"), findings.length > 0);
}

function drawBody(text) {
  const more = text.length - SHOWN_CHARS;
  byId("body").textContent = more > 0 ? `${text.slice(0, SHOWN_CHARS)}\n… and ${more.toLocaleString("en")} characters more` : text;
  show(byId("body"), true);
}

function offerDownload(blob, format) {
  if (lastUrl) URL.revokeObjectURL(lastUrl);
  lastUrl = URL.createObjectURL(blob);
  const stem = (chosenFile()?.name || "file").split(".")[0];
  byId("link").href = lastUrl;
  byId("link").download = `${stem}_predictions.${ENDINGS[format]}`;
  byId("link").textContent = `Download (${size(blob.size)})`;
  show(byId("download"), true);
}

function findingsInHeader(response) {
  const told = (name) => JSON.parse(response.headers.get(name) || "[]");
  const findings = told("Bellwether-Findings").map((one) =>
    one.more ? `and ${one.more} more` : `${one.code}: ${one.column || "the file"}, ${one.count.toLocaleString("en")}`);
  return findings.concat(told("Bellwether-Warnings").map((one) => one.more ? `and ${one.more} more` : one));
}

async function drawAnswer(response, format, seconds) {
  drawStatus(response, seconds);
  if (!response.ok) {
    const error = await response.json();
    const findings = (error.findings || []).filter((one) => one.verdict !== "green").map((one) => one.text);
    drawWords(findings.length ? error.hint : `${error.message} ${error.hint}`, findings);
    drawBody(JSON.stringify(error, null, 2));
    return;
  }
  const findings = findingsInHeader(response);
  const rows = Number(response.headers.get("Bellwether-Rows")).toLocaleString("en");
  drawWords(`${rows} rows scored.${findings.length ? " Check this before you use them:" : ""}`, findings);
  const blob = await response.blob();
  offerDownload(blob, format);
  if (format === "application/json") drawBody(JSON.stringify(JSON.parse(await blob.text()), null, 2));
  if (format === "text/csv") drawBody(await blob.slice(0, SHOWN_CHARS).text());
}

async function send(event) {
  event.preventDefault();
  const file = chosenFile();
  if (!file) {
    clearAnswer("Choose a file first.");
    byId("file").focus();
    return;
  }
  const body = new FormData();
  body.append("file", file, file.name);
  const format = chosenFormat();
  const begun = performance.now();
  byId("send").disabled = true;
  clearAnswer("Sent; waiting for the answer. The first request starts the engine, which takes some seconds.");
  try {
    const response = await fetch(`predict?${query()}`, { method: "POST", body, headers: { Accept: format, ...authorization() } });
    await drawAnswer(response, format, (performance.now() - begun) / 1000);
  } catch (error) {
    clearAnswer(`The app did not answer: ${error.message}`);
  } finally {
    byId("send").disabled = false;
  }
}

// --- what there is ---

function modelLine(model) {
  const line = element("label");
  const box = element("input");
  box.type = "checkbox";
  box.value = model.is_champion ? `models:/${model.experiment}@champion` : model.uri;
  box.addEventListener("change", drawCommand);
  const name = model.is_champion ? `${model.experiment}, champion` : model.experiment;
  const version = model.version ? `version ${model.version}, ` : "";
  line.append(box, element("span", name, "name"), element("span", `${version}${model.algo}, ${model.task}`, "more"));
  return line;
}

async function drawModels() {
  const response = await fetch("models", { headers: authorization() });
  const answer = await response.json();
  show(byId("authorized"), Boolean(token) && response.ok);
  if (response.status === 401) byId("authorize").open = true;
  if (!response.ok) {
    byId("models").replaceChildren(element("p", `${answer.message} ${answer.hint}`, "quiet"));
    return;
  }
  const lines = answer.models.map(modelLine);
  const nothing = element("p", "No models yet. Train one first; its leader can be used at once.", "quiet");
  byId("models").replaceChildren(...(lines.length ? lines : [nothing]));
  const first = document.querySelector("#models input");
  if (first) first.checked = true;
  drawCommand();
}

function valueWords(schema) {
  const item = schema.type === "array" ? schema.items : schema;
  if (item.enum) return item.enum.join(" | ");
  const range = item.maximum !== undefined ? `, ${item.minimum} to ${item.maximum}` : "";
  return `${{ string: "text", boolean: "1 or 0", integer: "number", number: "number" }[item.type]}${range}${
    schema.type === "array" ? `, up to ${schema.maxItems} times` : ""}`;
}

function tableRow(first, ...others) {
  const row = element("tr");
  const cell = element("td");
  cell.append(element("code", first));
  row.append(cell, ...others.map((text) => element("td", text)));
  return row;
}

async function drawReference() {
  const found = await (await fetch("openapi.json")).json();
  const { parameters, responses } = found.paths["/predict"].post;
  const lines = parameters.map((one) => tableRow(one.name, valueWords(one.schema), one.description.replaceAll("`", "")));
  byId("parameters").tBodies[0].replaceChildren(...lines);
  const refusals = Object.entries(responses).filter(([status]) => status >= "400");
  byId("statuses").tBodies[0].replaceChildren(...refusals.map(([status, one]) => tableRow(status, one.description)));
}

function useToken() {
  token = byId("token").value.trim();
  drawCommand();
  return drawModels();
}

// --- start ---

byId("form").addEventListener("submit", send);
byId("form").addEventListener("change", drawCommand);
byId("file").addEventListener("change", () => { droppedFile = null; drawCommand(); });
byId("use-token").addEventListener("click", useToken);
byId("token").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault(); // it would send the file
  useToken();
});
byId("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(byId("curl").textContent);
  byId("copy").textContent = "Copied";
  setTimeout(() => { byId("copy").textContent = "Copy"; }, 1500);
});
const drop = byId("drop");
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  droppedFile = event.dataTransfer.files[0] || null;
  drawCommand();
});
drawCommand();
drawModels();
drawReference();
