// Holds the talk of dialogue.json with ticket-mcp through the official TypeScript client, once for each protocol revision, and
// prints a line for each talk that went as it should:
//
//	node talk.mjs PROGRAM REVISION=BOARD...
//
// The client itself throws when the structured content of an answer does not match the tool's output schema. With MCP_SDK=1 it
// is the client of the first TypeScript SDK.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const first = process.env.MCP_SDK === "1";
const { Client } = await import(first ? "@modelcontextprotocol/sdk/client" : "@modelcontextprotocol/client");
const { StdioClientTransport } = await import(first ? "@modelcontextprotocol/sdk/client/stdio.js" : "@modelcontextprotocol/client/stdio");

const dialogue = readFileSync(new URL("dialogue.json", import.meta.url), "utf8");
const [program, ...talks] = process.argv.slice(2);

// auto and default are what a host gets that asks for no revision.
function optionsFor(revision) {
  switch (revision) {
    case "default":
      return {};
    case "auto":
      return { versionNegotiation: { mode: "auto" } };
    case "2026-07-28":
      return { versionNegotiation: { mode: { pin: revision } } };
  }
  return { supportedProtocolVersions: [revision] };
}

async function talk(client) {
  const { tools } = await client.listTools();
  const called = new Set();
  const ids = new Map();
  const steps = JSON.parse(dialogue);
  for (const step of steps) {
    let args = JSON.stringify(step.arguments);
    for (const [name, id] of ids) args = args.replaceAll(`"${name}"`, `"${id}"`);
    const said = `${step.tool} ${args}`;
    const result = await client.callTool({ name: step.tool, arguments: JSON.parse(args) });
    const text = result.content.map((part) => part.text).join("");
    if (step.refused) {
      assert.equal(result.isError, true, `${said}: ${text}`);
      assert.equal(result._meta.code, step.refused, `${said}: ${text}`);
      assert.ok(text.startsWith(`${step.refused}: `), `${said}: ${text}`);
      continue;
    }
    assert.notEqual(result.isError, true, `${said}: ${text}`);
    assert.ok(result.structuredContent, `${said}: no structured content`);
    called.add(step.tool);
    if (step.as) ids.set(step.as, result.structuredContent.id);
  }
  const names = tools.map((tool) => tool.name);
  assert.deepEqual([...called].sort(), names.sort());
  const { prompts } = await client.listPrompts();
  for (const { name } of prompts) {
    const { messages } = await client.getPrompt({ name });
    assert.ok(messages[0].content.text.includes("`"), name);
  }
  return `${names.length} tools, ${steps.length} calls, ${prompts.length} prompts`;
}

for (const [revision, board] of talks.map((t) => t.split("="))) {
  const client = new Client({ name: "tsclient", version: "2" }, optionsFor(revision));
  await client.connect(new StdioClientTransport({ command: program, args: ["--dir", board], stderr: "inherit" }));
  const spoken = client.getNegotiatedProtocolVersion?.() ?? "a revision that it does not tell";
  const outcome = await talk(client);
  await client.close();
  console.log(`${revision}: ${spoken}, ${outcome}`);
}
