"""A JupyterLab and a Voilà of the test's own, on loopback, with nothing of the user's configuration."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.request import Request, urlopen

STARTING_S = 120
"""How long a server may take until it answers, on a machine that is busy with other things."""

LAB_SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    # Also cells out of sight are in the page, and nobody is asked which kernel to start.
    "notebook-extension/tracker": {"windowingMode": "none", "autoStartDefaultKernel": True},
}


def own_environment(place):
    """An environment in which nothing is read from or written to the user's folders."""
    folders = {
        "JUPYTER_CONFIG_DIR": place / "config",
        "JUPYTER_DATA_DIR": place / "data",
        "JUPYTER_RUNTIME_DIR": place / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": place / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": place / "workspaces",
        "IPYTHONDIR": place / "ipython",
        "XDG_CACHE_HOME": place / "cache",
    }
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    return inherited | {name: str(folder) for name, folder in folders.items()}


@contextmanager
def running(arguments, environment, log):
    """A server process that ends with the block; what it said is in `log`."""
    with (
        log.open("w") as words,
        subprocess.Popen(arguments, env=environment, stdout=words, stderr=subprocess.STDOUT) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def when_it_answers(ask, process, log):
    """What `ask` gives once it does not raise an `OSError` any more."""
    end = time.monotonic() + STARTING_S
    while True:
        try:
            return ask()
        except OSError as error:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the server does not answer: {log.read_text()[-2000:]}") from error
            time.sleep(0.2)


@contextmanager
def jupyter_lab(root, place):
    """A JupyterLab that shows the folder `root`; gives (address, token)."""
    environment, token, log = own_environment(place), secrets.token_hex(16), place / "lab.log"
    for file, setting in LAB_SETTINGS.items():
        (place / "settings" / "@jupyterlab" / file).parent.mkdir(parents=True, exist_ok=True)
        (place / "settings" / "@jupyterlab" / f"{file}.jupyterlab-settings").write_text(json.dumps(setting))
    arguments = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"),
        *("--ServerApp.port=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={root}"),
        *("--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly"),
    ]

    def ask():
        said = next((place / "runtime").glob("jpserver-*.json"), None)
        if said is None:
            raise ConnectionError("it has not said yet where it listens")
        address = json.loads(said.read_text())["url"].rstrip("/")
        with urlopen(Request(f"{address}/api/status", headers={"Authorization": f"token {token}"}), timeout=5):  # noqa: S310 -- ours
            return address

    with running(arguments, environment, log) as process:
        yield when_it_answers(ask, process, log), token


@contextmanager
def voila(notebook, place, **variables):
    """A Voilà that serves one notebook as an app, in the notebook's folder; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = place / "voila.log"
    arguments = [
        *(sys.executable, "-m", "voila", str(notebook), "--no-browser", "--Voila.ip=127.0.0.1", f"--port={port}"),
        "--Voila.log_level=INFO",
    ]

    def ask():
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return f"http://127.0.0.1:{port}"

    with running(arguments, own_environment(place) | variables, log) as process:
        yield when_it_answers(ask, process, log)
