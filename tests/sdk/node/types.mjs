// Holds what the service says against the types of the official Node SDK: each event and each body becomes a literal of a
// TypeScript file, which the compiler has to accept. What the service says is written down by the tests of the project, and
// `tests/differs.json` says where it is documented to differ.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [saidPath, tablePath] = process.argv.slice(2);
const said = JSON.parse(readFileSync(saidPath, "utf8"));
const rows = JSON.parse(readFileSync(tablePath, "utf8")).filter((row) => row.readers.includes("node"));
const needed = new Set();

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const fits = (pattern, fields) =>
  Object.entries(pattern).every(([key, wanted]) => {
    if (isObject(wanted)) return wanted.absent ? !(key in fields) : isObject(fields[key]);
    return key in fields && fields[key] === wanted;
  });
const ways = {
  put: (fields, what) => Object.assign(fields, what),
  copy: (fields, what) => Object.entries(what).forEach(([to, from]) => (fields[to] = fields[from])),
  lift: (fields, what) => {
    const { [what]: lifted, ...rest } = fields;
    delete fields[what];
    Object.assign(fields, lifted, rest);
  },
  drop: (fields, what) => what.forEach((key) => delete fields[key]),
  without: (fields, what) =>
    Object.entries(what).forEach(([key, kind]) => (fields[key] = fields[key].filter((entry) => entry.type !== kind))),
};

// Takes a difference away wherever it is; what is left of a value that is skipped is nothing.
function walk(value, row) {
  if (Array.isArray(value)) return value.map((entry) => walk(entry, row));
  if (!isObject(value)) return value;
  if (fits(row.where, value)) {
    needed.add(row.what);
    const [[way, what]] = Object.entries(row.settle);
    if (way === "skip") return undefined;
    ways[way](value, what);
  }
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, walk(field, row)]));
}
const settled = (value) => rows.reduce((left, row) => left && walk(left, row), value);

// The SDK has no type of its own for the last three.
const types = {
  Response: "Response",
  ResponseItemList: "ResponseItemList",
  TokenCountsResource: "InputTokenCountResponse",
  CompactResource: "CompactedResponse",
  Model: "Model",
  ConversationResource: "Conversation",
  DeletedConversationResource: "ConversationDeletedResource",
  ConversationItemList: "ConversationItemList",
  ConversationItem: "ConversationItem",
  event: "ResponseStreamEvent",
  webhook: "UnwrapWebhookEvent",
  ErrorResponse: "{ error: ErrorObject }",
  ListModelsResponse: "{ object: string; data: Model[] }",
  "the deletion of a response": "{ id: string; object: string; deleted: boolean }",
};

// Values that differ in numbers and in texts that no type lists are one literal: the compiler would say the same of each.
const open = new Set("id item_id response_id obfuscation delta text previous_response_id encrypted_content first_id last_id".split(" "));
const shape = (value) => JSON.stringify(value, (key, field) => (typeof field === "number" ? 0 : open.has(key) && typeof field === "string" ? "" : field));
const literals = new Map();
let count = 0;
for (const [kind, value] of said) {
  const left = settled(value);
  if (left === undefined) continue;
  count += 1;
  literals.set(`${kind} ${shape(left)}`, [types[kind], left]);
}

const file = join(dirname(fileURLToPath(import.meta.url)), "said.ts");
const compile = (all) => {
  const lines = [
    'import type { CompactedResponse, Response, ResponseStreamEvent } from "openai/resources/responses/responses";',
    'import type { InputTokenCountResponse } from "openai/resources/responses/input-tokens";',
    'import type { ResponseItemList } from "openai/resources/responses/input-items";',
    'import type { Conversation, ConversationDeletedResource } from "openai/resources/conversations/conversations";',
    'import type { ConversationItem, ConversationItemList } from "openai/resources/conversations/items";',
    'import type { Model } from "openai/resources/models";',
    'import type { ErrorObject } from "openai/resources/shared";',
    'import type { UnwrapWebhookEvent } from "openai/resources/webhooks/webhooks";',
    "declare function fits<T>(): <U extends T>(said: U) => void;",
    ...all.map(([type, value]) => `fits<${type}>()(${JSON.stringify(value)});`),
  ];
  writeFileSync(file, lines.join("\n"));
  const flags = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022"];
  try {
    execFileSync(process.execPath, [join(dirname(file), "node_modules/typescript/bin/tsc"), ...flags, file], {
      maxBuffer: 1 << 28,
    });
    return "";
  } catch (error) {
    return String(error.stdout);
  }
};

const complaints = compile([...literals.values()]);
if (complaints) {
  console.log(complaints.slice(0, 4000));
  console.log("FAILED: what the service says fits the types of the SDK");
  process.exit(1);
}
console.log(`ok: ${count} bodies and events, ${literals.size} of them unlike, fit the types of the SDK`);
const idle = rows.filter((row) => !needed.has(row.what)).map((row) => row.what);
if (idle.length) {
  console.log(`FAILED: documented, but nothing differs: ${idle}`);
  process.exit(1);
}
const [, response] = [...literals.values()].find(([type]) => type === "Response");
if (!compile([["Response", { ...response, status: "done" }]])) {
  console.log("FAILED: a wrong status is refused by the types");
  process.exit(1);
}
console.log("ok: each documented difference is there, and the types can refuse");
console.log("2 passed, 0 failed");
