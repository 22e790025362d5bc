"""Types lines and a Tab into a real shell on a terminal, and tells as which words the shell then reads each line.

type.py SHELL FOLDER SCRIPT: lines on standard input, one answer as JSON for each on standard output.
"""

import json
import os
import pty
import re
import select
import sys
import time

shell, folder, script = sys.argv[1:]
COMMANDS = {
    "bash": ["bash", "--noprofile", "--norc", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
SET_UP = {
    "bash": ["PS1='> '", "bind 'set bell-style none'", "bind 'set completion-query-items -1'", "set +H", f"source ./{script}"],
    "zsh": ["PS1='> '", "unsetopt beep prompt_sp prompt_cr auto_menu zle_bracketed_paste", "bindkey -e",
            "autoload -Uz compinit && compinit -u -D", f"source ./{script}"],
    "fish": ["function fish_prompt; echo '> '; end", "set -g fish_autosuggestion_enabled 0", f"source ./{script}"],
}


class Terminal:
    def __init__(self):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ.update(TERM="dumb" if shell == "bash" else "xterm", COLUMNS="200", LINES="50")
            os.execvp(COMMANDS[shell][0], COMMANDS[shell])
        self.turn = 0

    def send(self, text):
        os.write(self.fd, text.encode())

    def until(self, mark):
        seen, end = "", time.monotonic() + 20
        while mark not in seen:
            if time.monotonic() > end or not select.select([self.fd], [], [], 20)[0]:
                sys.exit(f"{shell} said nothing more after:\n{seen}")
            seen += os.read(self.fd, 65536).decode(errors="replace")
        return seen

    def finish(self):
        """What is shown until everything sent so far is done."""
        self.turn += 1
        # The mark is put together by the shell, so that its echo is not taken for it.
        self.send(f"printf 'END%s_\\n' {self.turn}\r")
        return self.until(f"END{self.turn}_")


terminal = Terminal()
for line in SET_UP[shell]:
    terminal.send(line + "\r")
terminal.finish()
for line in sys.stdin.read().splitlines():
    # What the shell puts in place of the Tab is then an argument of printf.
    terminal.send(line + "\t\x01printf '@<%s>@\\n' \x05\r")
    shown = terminal.finish()
    print(json.dumps([word for word in re.findall(r"@<(.*?)>@", shown) if word != "%s"]))
terminal.send("exit\r")
