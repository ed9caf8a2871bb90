// Renders openapi.json and sends requests from this page, with the session of this browser.

const METHODS = ["get", "post", "put", "patch", "delete"];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

function cookie(name) {
  const found = document.cookie.split("; ").find((item) => item.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

/** What a schema looks like, in the few words of a TypeScript type. */
function typeText(schema, names, depth = 0) {
  if (!schema || Object.keys(schema).length === 0) return "any";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((item) => JSON.stringify(item)).join(" | ");
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return options.map((item) => typeText(item, names, depth)).join(" | ");
  if (schema.type === "array") {
    const items = schema.prefixItems
      ? `[${schema.prefixItems.map((item) => typeText(item, names, depth)).join(", ")}]`
      : typeText(schema.items, names, depth);
    return `${items.includes(" | ") ? `(${items})` : items}[]`;
  }
  if (schema.properties && depth === 0) return objectText(schema, names);
  return schema.format ? `${schema.type} (${schema.format})` : String(schema.type ?? "any");
}

function objectText(schema, names) {
  const required = new Set(schema.required ?? []);
  const lines = Object.entries(schema.properties).map(
    ([name, member]) => `  ${name}${required.has(name) ? "" : "?"}: ${typeText(member, names, 1)}`,
  );
  return `{\n${lines.join("\n")}\n}`;
}

function definition(schema, document_) {
  const name = schema?.$ref?.split("/").pop();
  return name ? document_.components.schemas[name] : schema;
}

/** A request body to begin with: the required members, and what has a default. */
function example(schema, document_, depth = 0) {
  const whole = definition(schema, document_) ?? {};
  if (whole.default !== undefined) return whole.default;
  if (whole.enum) return whole.enum[0];
  const options = whole.anyOf ?? whole.oneOf;
  if (options) return example(options.find((item) => item.type !== "null") ?? options[0], document_, depth);
  switch (whole.type) {
    case "object": {
      const required = new Set(whole.required ?? []);
      const members = depth > 3 ? [] : Object.entries(whole.properties ?? {});
      return Object.fromEntries(
        members.filter(([name]) => required.has(name)).map(([name, item]) => [name, example(item, document_, depth + 1)]),
      );
    }
    case "array":
      return (whole.minItems ?? 0) > 0 ? [example(whole.items, document_, depth + 1)] : [];
    case "integer":
    case "number":
      return whole.minimum ?? 0;
    case "boolean":
      return false;
    default:
      return "";
  }
}

function answersTable(operation, document_) {
  const rows = Object.entries(operation.responses).map(([status, answer]) => {
    const [media, content] = Object.entries(answer.content ?? {})[0] ?? ["", null];
    const type = content ? (media.includes("json") ? typeText(content.schema, document_) : media) : "";
    return element("tr", {}, element("td", {}, status), element("td", {}, answer.description), element("td", {}, element("code", {}, type)));
  });
  return element("table", {}, element("tbody", {}, ...rows));
}

function bodyMedia(operation) {
  return operation.requestBody?.content?.["application/json"];
}

function tryForm(path, method, operation, document_) {
  const form = element("form");
  const inputs = (operation.parameters ?? []).map((parameter) => {
    const input = element("input", { name: parameter.name, required: parameter.required });
    input.dataset.where = parameter.in;
    form.append(element("label", {}, `${parameter.name} (${parameter.in})${parameter.required ? " *" : ""}`, input));
    return input;
  });
  const media = bodyMedia(operation);
  const body = media && element("textarea", { "aria-label": "Body", spellcheck: "false" });
  if (body) {
    body.value = JSON.stringify(example(media.schema, document_), null, 2);
    form.append(element("label", {}, "Body", body));
  }
  const output = element("pre", { hidden: true, role: "status" });
  form.append(element("button", { type: "submit" }, "Send"), output);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    output.hidden = false;
    output.textContent = "…";
    output.textContent = await send(path, method, inputs, body).catch((error) => `The request failed: ${error.message}`);
  });
  return form;
}

async function send(path, method, inputs, body) {
  const query = new URLSearchParams();
  const headers = new Headers();
  let address = path;
  for (const { name, value, dataset } of inputs) {
    if (dataset.where === "path") address = address.replace(`{${name}}`, encodeURIComponent(value));
    else if (value && dataset.where === "query") query.set(name, value);
    else if (value && dataset.where === "header") headers.set(name, value);
  }
  if (method !== "get") headers.set("X-CSRF-Token", cookie("__Host-alongside_csrf") || cookie("alongside_csrf"));
  if (body) headers.set("Content-Type", "application/json");
  const text = query.toString();
  const response = await fetch(text ? `${address}?${text}` : address, {
    method: method.toUpperCase(),
    headers,
    body: body ? body.value : undefined,
  });
  const answer = await response.text();
  const shown = [`${response.status} ${response.statusText}`, ...[...response.headers].map(([name, value]) => `${name}: ${value}`)];
  return `${shown.join("\n")}\n\n${pretty(answer)}`;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function operationElement(path, method, operation, document_) {
  const inside = element("div", { class: "inside" });
  const details = element(
    "details",
    {},
    element(
      "summary",
      {},
      element("span", { class: "method" }, method.toUpperCase()),
      element("code", {}, path),
      element("span", { class: "about" }, operation.summary ?? ""),
    ),
    inside,
  );
  details.dataset.text = `${method} ${path} ${operation.summary ?? ""} ${(operation.tags ?? []).join(" ")}`.toLowerCase();
  // Made when opened: hundreds of forms nobody looks at make the page slow.
  details.addEventListener("toggle", () => {
    if (!details.open || inside.childElementCount) return;
    if (operation.description) inside.append(element("p", {}, operation.description));
    const scope = operation["x-scope"];
    inside.append(element("p", {}, scope ? `Needs the scope ${scope}.` : "Anyone may ask."));
    const media = bodyMedia(operation);
    if (media) inside.append(element("pre", {}, typeText(definition(media.schema, document_), document_)));
    inside.append(answersTable(operation, document_), tryForm(path, method, operation, document_));
  });
  return details;
}

function show(document_) {
  document.getElementById("about").textContent = `${document_.info.title} ${document_.info.version}, OpenAPI ${document_.openapi}.`;
  const groups = new Map();
  for (const [path, methods] of Object.entries(document_.paths)) {
    for (const method of METHODS.filter((name) => methods[name])) {
      const tag = methods[method].tags?.[0] ?? "Other";
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operationElement(path, method, methods[method], document_));
    }
  }
  const main = document.getElementById("operations");
  for (const [tag, operations] of groups) {
    main.append(element("section", {}, element("h2", {}, tag), ...operations));
  }
  document.getElementById("filter").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const section of main.querySelectorAll("section")) {
      const items = [...section.querySelectorAll("details")];
      for (const item of items) item.hidden = !words.every((word) => item.dataset.text.includes(word));
      section.hidden = items.every((item) => item.hidden);
    }
  });
}

async function showWho() {
  const who = document.getElementById("who");
  const response = await fetch("me");
  who.textContent = response.ok
    ? `Requests are sent as ${(await response.json()).account.name}.`
    : "You are not signed in: most requests will be refused.";
}

const answer = await fetch("openapi.json");
show(await answer.json());
await showWho();
