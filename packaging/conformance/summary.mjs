// Judges what a run of one conformance scenario left in a folder: node summary.mjs SCENARIO FOLDER. A check that could not be
// made, since it needs a tool that only exists for the suite, is named as such; it is no failure.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [scenario, folder] = process.argv.slice(2);
const checks = readdirSync(folder, { recursive: true })
  .filter((name) => name.endsWith("checks.json"))
  .flatMap((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
const fixture = (c) => c.status === "FAILURE" && c.errorMessage?.startsWith("Not testable:");
const passed = checks.filter((c) => c.status === "SUCCESS");
const untestable = checks.filter(fixture);
const failures = checks.filter((c) => c.status === "FAILURE" && !fixture(c));
console.log(`${scenario}: ${passed.length} passed, ${failures.length} failed${untestable.length ? `, ${untestable.length} need a tool made for the suite` : ""}`);
for (const c of failures) console.log(`  ${c.id}: ${c.errorMessage}`);
if (failures.length > 0 || passed.length === 0) process.exit(1);
