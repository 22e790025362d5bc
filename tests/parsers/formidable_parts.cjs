// Reads multipart files with formidable; arguments and output as in werkzeug_parts.py.
"use strict";

const { createHash } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { Readable, Writable } = require("node:stream");
const { formidable } = require("formidable");

const discard = () => new Writable({ write: (_chunk, _encoding, done) => done() });

async function parse(path) {
  const given = readFileSync(path);
  const end = given.indexOf("\n");
  const body = given.subarray(end + 1);
  const request = Readable.from([body]);
  request.headers = { "content-type": given.subarray(0, end).toString().trim(), "content-length": `${body.length}` };
  const parts = [];
  const form = formidable({
    allowEmptyFiles: true,
    minFileSize: 0,
    hashAlgorithm: "sha1",
    fileWriteStreamHandler: discard,
  });
  form.on("field", (name, value) => {
    const sha1 = createHash("sha1").update(value).digest("hex");
    parts.push({ kind: "field", name, filename: null, content_type: null, size: Buffer.byteLength(value), sha1 });
  });
  form.on("file", (name, file) => {
    const { originalFilename, mimetype, size, hash } = file;
    parts.push({ kind: "file", name, filename: originalFilename, content_type: mimetype, size, sha1: hash });
  });
  await form.parse(request);
  return { parts };
}

(async () => {
  for (const path of process.argv.slice(2)) {
    console.log(JSON.stringify(await parse(path).catch((error) => ({ error: error.message }))));
  }
})();
