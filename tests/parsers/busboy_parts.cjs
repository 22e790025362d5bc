// Reads multipart files with busboy; arguments and output as in werkzeug_parts.py.
"use strict";

const { createHash } = require("node:crypto");
const { readFileSync } = require("node:fs");
const busboy = require("busboy");

const sum = (content) => ({ size: content.length, sha1: createHash("sha1").update(content).digest("hex") });

function parse(path) {
  const given = readFileSync(path);
  const end = given.indexOf("\n");
  const headers = { "content-type": given.subarray(0, end).toString().trim() };
  return new Promise((resolve) => {
    const parts = [];
    const reader = busboy({ headers, defParamCharset: "utf8" });
    reader.on("field", (name, value) => {
      parts.push({ kind: "field", name, filename: null, content_type: null, ...sum(Buffer.from(value)) });
    });
    reader.on("file", (name, stream, info) => {
      const part = { kind: "file", name, filename: info.filename ?? null, content_type: info.mimeType };
      const chunks = [];
      parts.push(part);
      stream.on("data", (chunk) => chunks.push(chunk));
      stream.on("end", () => Object.assign(part, sum(Buffer.concat(chunks))));
    });
    reader.on("error", (error) => resolve({ error: error.message }));
    reader.on("close", () => resolve({ parts }));
    reader.end(given.subarray(end + 1));
  });
}

(async () => {
  for (const path of process.argv.slice(2)) {
    console.log(JSON.stringify(await parse(path).catch((error) => ({ error: error.message }))));
  }
})();
