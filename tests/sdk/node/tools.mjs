// The official OpenAI Node SDK, unmodified: its tool loop, paging, approvals, parsed outputs and retries.

import OpenAI from "openai";

const [what, baseURL] = process.argv.slice(2);
let passed = 0;

function check(name, holds) {
  if (!holds) {
    console.log(`FAILED: ${name}`);
    process.exit(1);
  }
  passed += 1;
  console.log(`ok: ${name}`);
}

// Every request that leaves, with the number of the try.
const tries = [];
const client = new OpenAI({
  baseURL,
  apiKey: "sk-lanebench",
  fetch: (url, init) => {
    tries.push(new Headers(init.headers).get("x-stainless-retry-count"));
    return fetch(url, init);
  },
});
const failing = async (call) => call.then(() => undefined, (error) => error);

const server = (server_label, require_approval) => ({
  type: "mcp",
  server_url: "https://mcp.example.test/",
  server_label,
  require_approval,
});
const tools = [
  { type: "function", name: "look_up", parameters: { type: "object", properties: {} }, strict: true },
  { type: "custom", name: "note" },
  { type: "web_search" },
  { type: "file_search", vector_store_ids: ["vs_1"] },
  { type: "code_interpreter", container: { type: "auto" } },
  { type: "image_generation" },
  { type: "computer_use_preview", environment: "browser", display_width: 800, display_height: 600 },
  { type: "local_shell" },
  { type: "shell" },
  { type: "apply_patch" },
  server("search", "never"),
  server("tickets", "always"),
];

// What answers an item that asks the client; none if nothing has to.
function answer(item) {
  const { call_id } = item;
  switch (item.type) {
    case "function_call":
      return { type: "function_call_output", call_id, output: '{"id":1}' };
    case "tool_search_call":
      if (item.execution !== "client") return undefined;
      return {
        type: "tool_search_output",
        call_id,
        execution: "client",
        tools: [{ type: "function", name: "look_up", parameters: { type: "object", properties: {} }, strict: true }],
      };
    case "custom_tool_call":
      return { type: "custom_tool_call_output", call_id, output: "noted" };
    case "computer_call":
      return {
        type: "computer_call_output",
        call_id,
        acknowledged_safety_checks: item.pending_safety_checks,
        output: { type: "computer_screenshot", image_url: "data:image/png;base64,aGk=" },
      };
    case "local_shell_call":
      return { type: "local_shell_call_output", id: call_id, output: "{}" };
    case "shell_call":
      if (item.environment.type !== "local") return undefined;
      return {
        type: "shell_call_output",
        call_id,
        output: [{ stdout: "a", stderr: "", outcome: { type: "exit", exit_code: 0 } }],
      };
    case "apply_patch_call":
      return { type: "apply_patch_call_output", call_id, status: "completed" };
    default:
      return undefined;
  }
}

async function toolLoop() {
  const body = { model: "gpt-5", tools };
  let first;
  for await (const event of await client.responses.create({ ...body, input: "Use everything.", stream: true })) {
    if (event.type === "response.completed") first = event.response;
  }
  const answers = first.output.map(answer).filter(Boolean);
  check("a stream with every tool comes to its end", first.status === "completed" && answers.length === 10);
  const next = { ...body, previous_response_id: first.id };
  const refused = await failing(client.responses.create({ ...next, input: answers.slice(1) }));
  check("a call without its output is refused", refused instanceof OpenAI.BadRequestError && refused.param === "input");
  // The helper of the SDK puts the response together from its events. It refuses the diffs of patches, which are seen on
  // the wire and in no description, so it follows a turn without any.
  const second = await client.responses.stream({ ...next, input: answers }).finalResponse();
  check("the helper follows a stream", second.status === "completed" && second.output_text.length > 20);
  const request = second.output.find((item) => item.type === "mcp_approval_request");
  check("an approval is asked for", request?.server_label === "tickets" && request.name === "create");
  for (const approve of [true, false]) {
    const third = await client.responses.create({
      ...body,
      previous_response_id: second.id,
      input: [{ type: "mcp_approval_response", approval_request_id: request.id, approve }],
    });
    const calls = third.output.filter((item) => item.type === "mcp_call");
    check(
      `an approval of ${approve} decides about the call`,
      calls.map((call) => call.approval_request_id).join() === (approve ? request.id : ""),
    );
  }
}

async function paging() {
  const input = Array.from({ length: 25 }, (_, number) => ({ role: "user", content: `Line ${number}.` }));
  const made = await client.responses.create({ model: "gpt-5", input });
  for (const [order, last] of [
    ["desc", "Line 0."],
    ["asc", "Line 24."],
  ]) {
    const texts = [];
    for await (const item of client.responses.inputItems.list(made.id, { limit: 10, order })) {
      texts.push(item.content[0].text);
    }
    check(`input items are paged, ${order}`, new Set(texts).size === 25 && texts.at(-1) === last);
  }
}

async function parsed() {
  const schema = {
    type: "object",
    properties: { title: { type: "string" }, pages: { type: "integer" } },
    required: ["title", "pages"],
    additionalProperties: false,
  };
  const reply = await client.responses.parse({
    model: "gpt-5",
    input: "Report.",
    text: { format: { type: "json_schema", name: "report", strict: true, schema } },
  });
  const { title, pages } = JSON.parse(reply.output_text);
  check("a structured output is a document of its schema", typeof title === "string" && Number.isInteger(pages));
}

async function retries() {
  const body = { model: "gpt-5", input: "Again.", background: true };
  for (const status of ["408", "409", "500", "503", "502 with a page", "a reset"]) {
    tries.length = 0;
    const made = await client.responses.create(body);
    check(`${status} is retried by the SDK`, made.status === "queued" && tries.join() === "0,1");
  }
  for (const kind of [OpenAI.UnprocessableEntityError, OpenAI.PermissionDeniedError]) {
    tries.length = 0;
    const error = await failing(client.responses.create(body));
    check(`${kind.name} is final`, error instanceof kind && tries.join() === "0");
  }
}

if (what === "retries") {
  await retries();
  await parsed();
} else {
  await paging();
  await toolLoop();
}
console.log(`${passed} passed, 0 failed`);
