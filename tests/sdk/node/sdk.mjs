// The official OpenAI Node SDK, unmodified, against `lanebench serve`: a stranger's word that the mock is faithful.

import { once } from "node:events";
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import OpenAI from "openai";

const SECRET = "whsec_bGFuZWJlbmNoLXdlYmhvb2stc2VjcmV0LTAwMDE=";
const [baseURL, webhookPort] = process.argv.slice(2);
let passed = 0;

function check(what, holds) {
  if (!holds) {
    console.log(`FAILED: ${what}`);
    process.exit(1);
  }
  passed += 1;
  console.log(`ok: ${what}`);
}

async function untilEnded(client, response, seconds = 20) {
  const deadline = Date.now() + seconds * 1000;
  const seen = [response.status];
  while (response.status === "queued" || response.status === "in_progress") {
    if (Date.now() > deadline) check(`${response.id} ends within ${seconds} s`, false);
    await sleep(100);
    response = await client.responses.retrieve(response.id);
    if (response.status !== seen.at(-1)) seen.push(response.status);
  }
  return [response, seen.join(" ")];
}

// A receiver on the loopback interface that keeps the raw bytes.
const arrived = [];
const receiver = http.createServer(async (request, reply) => {
  const chunks = await request.toArray();
  arrived.push({ body: Buffer.concat(chunks).toString("utf8"), headers: request.headers });
  reply.end();
});
receiver.listen(Number(webhookPort), "127.0.0.1");
await once(receiver, "listening");

const client = new OpenAI({ baseURL, apiKey: "sk-lanebench", webhookSecret: SECRET });

// The first create is turned away once; the SDK repeats it by itself.
const started = Date.now();
let first = await client.responses.create({
  model: "gpt-5",
  input: "Write the report.",
  background: true,
  metadata: { job: "one" },
});
check("a 429 with a wait of a second is retried after it", Date.now() - started >= 1000);
check("a background create answers queued at once", first.status === "queued" && first.output.length === 0);
let seen;
[first, seen] = await untilEnded(client, first);
check("it goes from queued over in_progress to completed", seen === "queued in_progress completed");
check("a completed response has text and usage", first.output_text.length > 20 && first.usage.total_tokens > 0);
check("metadata come back", first.metadata.job === "one");

const second = await client.responses.create({ model: "gpt-5", input: "Never mind.", background: true });
const cancelled = await client.responses.cancel(second.id);
const again = await client.responses.cancel(second.id);
check("a running response is cancelled", cancelled.status === "cancelled");
check("cancelling twice gives the same object", again.status === "cancelled" && again.id === cancelled.id);

// A stream is broken off after its first words and resumed behind the cursor.
let cursor, responseId;
let text = "";
const stream = await client.responses.create({ model: "gpt-5", input: "Tell me.", background: true, stream: true });
for await (const event of stream) {
  cursor = event.sequence_number;
  if (event.type === "response.created") responseId = event.response.id;
  if (event.type === "response.output_text.delta") {
    text += event.delta;
    break;
  }
}
check("a stream numbers its events and names its response", responseId !== undefined && cursor > 3);
const numbers = [];
let final;
const rest = await client.responses.retrieve(responseId, { stream: true, starting_after: cursor });
for await (const event of rest) {
  numbers.push(event.sequence_number);
  if (event.type === "response.output_text.delta") text += event.delta;
  if (event.type === "response.completed") final = event.response;
}
check(
  "a resumed stream goes on behind the cursor without a gap",
  numbers.length > 0 && numbers.every((number, at) => number === cursor + 1 + at),
);
const said = (response) =>
  response.output.flatMap((item) => (item.type === "message" ? item.content.map((part) => part.text) : [])).join("");
check("the deltas of both parts are the whole text", final !== undefined && text === said(final));

// Every ended background response has its webhook; the SDK itself verifies the signatures.
const deadline = Date.now() + 20000;
while (arrived.length < 3 && Date.now() < deadline) await sleep(50);
check("three webhooks arrive", arrived.length === 3);
const events = [];
for (const { body, headers } of arrived) events.push(await client.webhooks.unwrap(body, headers));
check(
  "webhooks are signed as the SDK wants them, and name the responses",
  events.map((event) => event.data.id).sort().join() === [first.id, second.id, responseId].sort().join(),
);
let refused = false;
try {
  await client.webhooks.unwrap(`${arrived[0].body} `, arrived[0].headers);
} catch (error) {
  refused = error instanceof OpenAI.InvalidWebhookSignatureError;
}
check("a changed body is refused", refused);

const failing = async (call) => call.then(() => undefined, (error) => error);
check(
  "an unknown id is a NotFoundError",
  (await failing(client.responses.retrieve("resp_0000"))) instanceof OpenAI.NotFoundError,
);
const stranger = new OpenAI({ baseURL, apiKey: "sk-wrong" });
const wrong = await failing(stranger.responses.retrieve(first.id));
check(
  "a wrong key is an AuthenticationError",
  wrong instanceof OpenAI.AuthenticationError && wrong.code === "invalid_api_key",
);
receiver.close();
receiver.closeAllConnections();
console.log(`${passed} passed, 0 failed`);
