// Holds what the service says against the types of the official Node SDK: each event and each body becomes a literal of a
// TypeScript file, which the compiler has to accept.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [baseURL] = process.argv.slice(2);
const headers = { authorization: "Bearer sk-lanebench", "content-type": "application/json" };

const server = (server_label, require_approval) => ({
  type: "mcp",
  server_url: "https://mcp.example.test/",
  server_label,
  require_approval,
});
const body = {
  model: "gpt-5",
  background: true,
  stream: true,
  reasoning: { summary: "auto" },
  include: ["file_search_call.results", "web_search_call.action.sources", "code_interpreter_call.outputs"],
  tools: [server("search", "never"), server("tickets", "always")],
};

// Where the wire is documented to differ from the types: what is taken away or put there, and why.
const needed = new Set();
const drop = (object, key, value) => object[key] === value && delete object[key];
const differs = {
  "diffs of patches": (event) =>
    event.type.startsWith("response.apply_patch_call_operation_diff.") && Object.assign(event, { type: undefined }),
  "the name of a function": (event) =>
    event.type === "response.function_call_arguments.done" && Object.assign(event, { name: "look_up" }),
  "nulls of a response": ({ response }) => response && ["usage", "user"].filter((key) => drop(response, key, null)).length,
  "the status of a custom call": ({ response }) =>
    response?.output.filter((item) => item.type === "custom_tool_call" && drop(item, "status", "completed")).length,
  "a search that begins": (event) =>
    event.type === "response.output_item.added" &&
    event.item.type === "web_search_call" &&
    Object.assign(event.item, { action: { type: "search", query: "" } }),
};

async function stream(input, more) {
  const reply = await fetch(`${baseURL}/responses`, {
    method: "POST",
    headers,
    body: JSON.stringify({ ...body, input, ...more }),
  });
  const lines = (await reply.text()).split("\n").filter((line) => line.startsWith("data: "));
  return lines.map((line) => JSON.parse(line.slice("data: ".length)));
}

const events = await stream("Use everything.");
const response = events.at(-1).response;

// The bodies of the other operations, with the names of their types. The SDK has none for the deletion of a response.
const bodies = [];
async function ask(type, method, path, sent) {
  const reply = await fetch(baseURL + path, { method, headers, body: sent && JSON.stringify(sent) });
  const found = await reply.json();
  if (!reply.ok) throw new Error(`${method} ${path}: ${JSON.stringify(found)}`);
  bodies.push([type, found]);
  return found;
}
const hello = { model: "gpt-5", input: "hello" };
const words = [{ type: "message", role: "user", content: "Hello." }];
await ask("ResponseItemList", "GET", `/responses/${response.id}/input_items`);
await ask("InputTokenCountResponse", "POST", "/responses/input_tokens", hello);
const compact = await ask("CompactedResponse", "POST", "/responses/compact", hello);
const models = await (await fetch(`${baseURL}/models`, { headers })).json();
for (const model of models.data) bodies.push(["Model", model]);
await ask("Model", "GET", `/models/${models.data[0].id}`);
const talk = await ask("Conversation", "POST", "/conversations", { metadata: { topic: "rain" }, items: words });
const path = `/conversations/${talk.id}`;
await ask("Conversation", "GET", path);
await ask("Conversation", "POST", path, { metadata: { topic: "wind" } });
const added = await ask("ConversationItemList", "POST", `${path}/items`, { items: words });
await ask("ConversationItemList", "GET", `${path}/items`);
await ask("ConversationItem", "GET", `${path}/items/${added.data[0].id}`);
await ask("Conversation", "DELETE", `${path}/items/${added.data[0].id}`);
await ask("ConversationDeletedResource", "DELETE", path);
const read = await (await fetch(`${baseURL}/responses/${response.id}`, { headers })).json();
for (const event of [...events, { type: "", response: read }]) {
  for (const [what, settle] of Object.entries(differs)) if (settle(event)) needed.add(what);
}
// A compaction holds messages of the user, where the SDK expects the model's alone.
compact.output = compact.output.filter((item) => {
  if (item.type === "message") needed.add("user messages of a compaction");
  return item.type !== "message";
});
const literals = [
  ...bodies,
  ...events.filter((event) => event.type).map((event) => ["ResponseStreamEvent", event]),
  ["Response", read],
];
const file = join(dirname(fileURLToPath(import.meta.url)), "said.ts");
const compile = (more) => {
  // The helper of the SDK adds `output_text`, and `access_programs` is late: neither is on the wire. Fields that the SDK does not know are passed on.
  const lines = [
    'import type { CompactedResponse } from "openai/resources/responses/responses";',
    'import type { InputTokenCountResponse } from "openai/resources/responses/input-tokens";',
    'import type { ResponseItemList } from "openai/resources/responses/input-items";',
    'import type { Conversation, ConversationDeletedResource } from "openai/resources/conversations/conversations";',
    'import type { ConversationItem, ConversationItemList } from "openai/resources/conversations/items";',
    'import type { Model } from "openai/resources/models";',
    'import type { Response as Whole, ResponseStreamEvent as Event } from "openai/resources/responses/responses";',
    "type Open = Omit<Whole, 'output_text' | 'access_programs'> & Record<string, unknown>;",
    "type Said<T> = T extends Whole ? Open : T extends { response: Whole } ? Omit<T, 'response'> & { response: Open } : T;",
    "type Response = Said<Whole>;",
    "type ResponseStreamEvent = Said<Event>;",
    "declare function fits<T>(): <U extends T>(said: U) => void;",
    ...[...literals, ...more].map(([type, value]) => `fits<${type}>()(${JSON.stringify(value)});`),
  ];
  writeFileSync(file, lines.join("\n"));
  const flags = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022"];
  try {
    execFileSync(process.execPath, [join(dirname(file), "node_modules/typescript/bin/tsc"), ...flags, file]);
    return "";
  } catch (error) {
    return String(error.stdout);
  }
};

const complaints = compile([]);
if (complaints) {
  console.log(complaints.slice(0, 4000));
  console.log("FAILED: what the service says fits the types of the SDK");
  process.exit(1);
}
console.log(`ok: ${literals.length} literals fit the types of the SDK`);
const idle = [...Object.keys(differs), "user messages of a compaction"].filter((what) => !needed.has(what));
if (idle.length) {
  console.log(`FAILED: documented, but nothing differs: ${idle}`);
  process.exit(1);
}
if (!compile([["Response", { ...read, status: "done" }]])) {
  console.log("FAILED: a wrong status is refused by the types");
  process.exit(1);
}
console.log("ok: each documented difference is there, and the types can refuse");
console.log("2 passed, 0 failed");
