"""The full job by the Python clients that walk paths by attributes: prints CPU seconds a call."""

import copy
import json
import sys
import time

import requests

client, address, calls = sys.argv[1], f"http://{sys.argv[2]}", int(sys.argv[3])
token, defaults, body = sys.argv[4], json.loads(sys.argv[5]), json.loads(sys.argv[6])
headers = {"Authorization": f"Bearer {token}"}


def merged(under, over):
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(under.get(key), dict):
            merged(under[key], value)
        else:
            under[key] = value
    return under


def slumber():
    import slumber

    session = requests.Session()
    session.headers.update(headers)
    api = slumber.API(address, session=session, append_slash=False)
    return lambda body: api.group1("acme").kind2("user.name").leaves("2026 report").post(body)


def tortilla():
    import tortilla

    api = tortilla.wrap(address, headers=headers)
    return lambda body: api.group1("acme").kind2("user.name").leaves("2026 report").post(data=body)


def hammock():
    from hammock import Hammock

    api = Hammock(address, headers=headers)
    return lambda body: api.group1("acme").kind2("user.name").leaves("2026 report").POST(json=body).json()


call = {"slumber": slumber, "tortilla": tortilla, "hammock": hammock}[client]()


def run(calls):
    for _ in range(calls):
        answer = call(merged(copy.deepcopy(defaults), body))
        assert answer["signed"] and answer["path"] == "/group1/acme/kind2/user.name/leaves/2026%20report", answer


run(20)
before = time.process_time()
run(calls)
print((time.process_time() - before) / calls)
