# The lines between a peer and its test.
#
# A peer gets its job as one line of JSON on standard input. After that each line,
# in either direction, is an object with a kind and a payload: "offer", "answer"
# and "candidate" carry signaling messages, "data" the text messages of the data
# channel, "counts" how much media the peer has decoded so far, "failure" why it
# gives up. A peer ends when its input does. Started with the argument "check" it
# ends at once, and well if everything that it needs is installed.

import json
import sys
import threading

lock = threading.Lock()


def write(kind, payload):
    line = json.dumps({"kind": kind, "payload": payload}) + "\n"
    with lock:
        sys.stdout.write(line)
        sys.stdout.flush()


def job():
    if sys.argv[1:] == ["check"]:
        sys.exit()
    return json.loads(sys.stdin.readline())


def read(handle, end):
    """Calls handle(kind, payload) for each line, then end(), on a thread of its own."""

    def work():
        for line in sys.stdin:
            message = json.loads(line)
            handle(message["kind"], message["payload"])
        end()

    threading.Thread(target=work, daemon=True).start()
