// Prints a line for each change between two OpenAPI documents that breaks clients of the first.
// Usage: node breaking.mjs old.json new.json
import { readFileSync } from "node:fs";
import { apiDiff } from "api-smart-diff";

// What api-smart-diff lets pass: a field that is no longer known, which this API refuses, and another
// type in an answer.
function alsoBreaks({ action, path }) {
  const sent = path.includes("requestBody") && path.at(-2) === "properties";
  return (action === "remove" && sent) || (action === "replace" && path.at(-1) === "type");
}

const [before, after] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file)));
for (const change of apiDiff(before, after)) {
  // What components have is told again wherever it is used.
  if (change.path[0] === "components") continue;
  if (change.type === "breaking" || alsoBreaks(change)) {
    console.log(`${change.action} ${change.path.join(" ")}`);
  }
}
