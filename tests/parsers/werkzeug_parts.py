"""Reads multipart files with werkzeug.

Each argument is a file: its first line is the content type, the rest is the body. One JSON line a file:
{"parts": [{kind, name, filename, content_type, size, sha1}]} in the order of the body, or {"error": text}.
"""

import hashlib
import json
import sys

from werkzeug.datastructures import Headers
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData


def finished(part, content):
    return part | {"size": len(content), "sha1": hashlib.sha1(content).hexdigest()}


def described(event):
    headers: Headers = event.headers
    is_file = isinstance(event, File)
    return {
        "kind": "file" if is_file else "field",
        "name": event.name,
        "filename": event.filename if is_file else None,
        "content_type": headers.get("content-type"),
    }


def parse(path):
    with open(path, "rb") as given:
        content_type = given.readline().decode().strip()
        body = given.read()
    boundary = parse_options_header(content_type)[1]["boundary"]
    decoder = MultipartDecoder(boundary.encode())
    decoder.receive_data(body)
    decoder.receive_data(None)
    parts, part, content = [], None, b""
    while not isinstance(event := decoder.next_event(), (Epilogue, NeedData)):
        if isinstance(event, (Field, File)):
            part, content = described(event), b""
        elif isinstance(event, Data):
            content += event.data
            if not event.more_data:
                parts.append(finished(part, content))
    return {"parts": parts}


for path in sys.argv[1:]:
    try:
        print(json.dumps(parse(path)))
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
