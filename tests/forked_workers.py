"""Workers of xdist as forks of one process that has imported everything: a start takes 0.2 s instead of some seconds.

execnet starts a worker with a command. Here that command is a small client, which hands its three streams to the
server; the server forks, and the fork reads the first line as a fresh `python -c` of execnet would.

    python forked_workers.py serve SOCKET    # ends when its standard input does
    python forked_workers.py fork SOCKET
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

AVAILABLE = sys.platform == "linux"  # elsewhere a fork of a process with threads is not safe, or there is none
_LONGEST = 1 << 20  # bytes of an environment


class Server:
    """The process that forks workers, started when the first one is needed."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "workers"
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *_: object) -> list[str]:
        """The command that starts one worker."""
        if self.process is None:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(self.socket))
            listener.listen()
            command = [sys.executable, __file__, "serve", str(listener.fileno())]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[listener.fileno()])
            listener.close()
        return [sys.executable, "-S", "-E", "-s", __file__, "fork", str(self.socket)]

    def stop(self) -> None:
        """End the process; workers that still run end with the runs that they work for."""
        if self.process is not None:
            self.process.communicate()


def serve(listener: socket.socket) -> None:
    """Import everything, then fork a worker for each client until the standard input ends."""
    import select

    import_everything()
    gc.freeze()  # else each worker looks at all of it when it collects
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the workers here
    while listener in (ready := select.select([listener, 0], [], [])[0]) or not ready:
        client, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            become_worker(client)
        client.close()


def import_everything() -> None:
    """Load the plugin as pytest does, which rewrites its asserts, and what runs of it import."""
    import importlib
    import pkgutil
    import tempfile

    import distributions
    import pandas  # noqa: F401 - see above
    import pytest
    import scipy.stats  # noqa: F401 - as above
    import torchvision  # noqa: F401 - as above
    import yaml  # noqa: F401 - as above

    distributions.read_once()

    class Importer:
        def pytest_collection(self) -> None:
            import pytest_failaware

            for module in pkgutil.walk_packages(pytest_failaware.__path__, "pytest_failaware."):
                if not module.name.endswith(("__main__", ".gates")):
                    importlib.import_module(module.name)

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        silent, output = os.open(os.devnull, os.O_WRONLY), os.dup(1)
        os.dup2(silent, 1)
        pytest.main(["-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--rootdir", folder, folder], [Importer()])
        sys.stdout.flush()  # into the null device; a worker would send what is left to its run
        os.dup2(output, 1)


def become_worker(client: socket.socket) -> None:
    """Take the client's streams, folder and environment, and do what execnet says; does not return."""
    text, streams, _, _ = socket.recv_fds(client, _LONGEST, 3)
    folder, environment = json.loads(text)
    for stream, descriptor in enumerate(streams):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv, sys.path[0] = ["-c"], ""
    try:
        exec(eval(sys.stdin.readline()), {"__name__": "__main__"})
    finally:
        sys.stdout.flush()
        os._exit(0)


def fork(path: str) -> None:
    """Hand the streams to the server, and wait until the worker has ended."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        socket.send_fds(server, [json.dumps([str(Path.cwd()), dict(os.environ)]).encode()], [0, 1, 2])
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1):
            os.dup2(nothing, stream)
        server.recv(1)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(socket.socket(fileno=int(sys.argv[2])))
    else:
        fork(sys.argv[2])
