// Calls wait as a task through the official client of the tasks extension, and prints a line for each thing that went as it should:
//
//	node tasks.mjs PROGRAM BOARD
//
// The board has no ticket.
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { createTaskSessionFromClient, resultFromTaskOutcome } from "@modelcontextprotocol/ext-tasks/client";

const [program, board] = process.argv.slice(2);
const clientInfo = { name: "tsclient", version: "2" };
const protocolVersion = "2026-07-28";
const text = (result) => result.content.map((part) => part.text).join("");

// The SDK's client does not let results pass that are tasks, so calls of tools and requests for tasks go around it.
function dispatcher(transport) {
  const pending = new Map();
  const others = transport.onmessage;
  let last = 0;
  transport.onmessage = (message, extra) => {
    const settle = pending.get(message.id);
    if (settle === undefined) return others(message, extra);
    pending.delete(message.id);
    settle(message.error === undefined ? { kind: "result", result: message.result } : { kind: "error", error: message.error });
  };
  return (request) =>
    new Promise((resolve, reject) => {
      const id = `task-${(last += 1)}`;
      pending.set(id, resolve);
      transport.send({ jsonrpc: "2.0", id, ...request }).catch(reject);
    });
}

async function connect() {
  const client = new Client(clientInfo, { versionNegotiation: { mode: { pin: protocolVersion } } });
  const transport = new StdioClientTransport({ command: program, args: ["--dir", board], stderr: "inherit" });
  await client.connect(transport);
  const session = createTaskSessionFromClient(client, {
    endpointId: "tickets",
    rawDispatch: dispatcher(transport),
    v2RequestFraming: { protocolVersion, clientInfo, clientCapabilities: {} },
  });
  const call = async (name, args) => resultFromTaskOutcome(await (await session.callTool(name, args)).result());
  return { client, session, call };
}

const { client, session, call } = await connect();
const other = await connect();

// A wait becomes a task, which another process's change completes.
const execution = await session.callTool("wait", {});
const states = [];
const settled = execution.settle({
  onEvent: (event) => {
    const task = event.task ?? event.outcome.task;
    if (task !== undefined) states.push(task);
  },
});
const created = await other.call("create", { title: "Work" });
assert.notEqual(created.isError, true, text(created));
const woken = resultFromTaskOutcome((await settled).outcome);
assert.deepEqual(
  woken.structuredContent.tickets.map((ticket) => ticket.id),
  [created.structuredContent.id],
);
assert.equal(states[0].status, "working");
assert.match(states[0].statusMessage, /^nothing yet: /);
assert.equal(states[0].suggestedPollIntervalMs, 5000);
assert.equal(states.at(-1).status, "completed");
console.log("a wait is a task, and ends with the ticket that another process makes");

// What is ready already is answered at once, without a task.
const immediate = await session.callTool("wait", {});
const { outcome, lastTask } = await immediate.settle();
assert.equal(lastTask, undefined);
assert.equal(outcome.result.structuredContent.tickets.length, 1);
console.log("a wait with an answer at once is none");

// One that nobody wants any more.
const unwanted = await session.callTool("wait", { tag: "none" });
await session.cancelTask(unwanted.handle.taskId);
assert.equal((await unwanted.result()).status, "cancelled");
console.log("a task is cancelled");

// The time of a task is over as that of a call is.
const timed = await session.callTool("wait", { tag: "none", seconds: 1 });
assert.equal(resultFromTaskOutcome(await timed.result()).structuredContent.timed_out, true);
console.log("a task ends with its time");

// A task of another process is unknown here.
await assert.rejects(
  other.session.cancelTask(unwanted.handle.taskId),
  /unknown task/,
);
console.log("a task of another process is unknown");

for (const connection of [{ client, session }, other]) {
  await connection.session.close();
  await connection.client.close();
}
