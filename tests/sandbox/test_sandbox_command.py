"""``toolkit sandbox``: the services on the ports, with the keys and the troubles that were asked for."""

import contextlib
import re
import socket
import subprocess
import sys

import pytest
from PIL import Image, ImageDraw, ImageFont

import toolkit as tk
from toolkit import errors
from toolkit._cli.main import main

WORDS = ("river", "stone", "cloud")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """A folder of images that are named by what they say."""
    folder = tmp_path_factory.mktemp("words")
    for word in WORDS:
        image = Image.new("RGB", (160, 50), "white")
        ImageDraw.Draw(image).text((10, 8), word, fill="black", font=ImageFont.load_default(28))
        image.save(folder / f"{word}.png")
    return folder


@contextlib.contextmanager
def command(*arguments):
    """The command in a process of its own: what it says before it serves."""
    line = [sys.executable, "-m", "toolkit._cli.main", "sandbox", *map(str, arguments)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        said = [process.stdout.readline() for _ in range(4)]
        try:
            yield "".join(said)
        finally:
            process.terminate()
            assert (process.wait(20), process.stderr.read()) == (0, "")


def free_ports(count):
    """So many ports that nobody listens on."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in sockets]


def test_every_service_answers_on_its_port_to_the_keys_that_were_given(labelled):
    """What is printed is what one needs to reach it; other keys are refused as a service refuses them."""
    ports = dict(zip(("capsolver", "capmonster", "openai"), free_ports(3), strict=True))
    chosen = [word for service, port in ports.items() for word in (f"--{service}-port", port)]
    others = ["--key", "first", "--key", "second", "--balance-usd", "0.5", "--accuracy", "1"]

    with command("--dataset", labelled, *chosen, *others) as said:
        urls = dict(re.findall(r"(\w+) +(http://127\.0\.0\.1:\d+\S*)", said))
        assert urls == {service: f"http://127.0.0.1:{port}" for service, port in ports.items()} | {
            "openai": f"http://127.0.0.1:{ports['openai']}/v1"
        }
        assert "Good keys: first, second" in said
        settings = [
            tk.CapSolver(key="first", base_url=urls["capsolver"]),
            tk.CapMonster(key="second", base_url=urls["capmonster"], first_poll_s=0.02),
            tk.OpenAICompatible("any", key="first", base_url=urls["openai"]),
        ]
        for setting in settings:
            assert tk.read(setting, labelled / "stone.png").text == "stone"
        with tk.TaskClient(settings[0]) as client:
            assert client.balance() == pytest.approx(0.499)
        with pytest.raises(errors.AuthenticationError):
            tk.read(tk.CapSolver(key="demo", base_url=urls["capsolver"]), labelled / "stone.png")


def test_it_can_be_slow_strict_and_unreliable(labelled):
    """A rate that refuses and answers that are spoilt, without a line of Python."""
    with command("--dataset", labelled, "--per-second", 0.02, "--fault-rate", 1) as said:
        setting = tk.CapSolver(key="demo", base_url=re.search(r"capsolver +(\S+)", said)[1])
        with tk.TaskClient(setting) as client:
            with pytest.raises(errors.ProviderError):  # whichever fault it was
                client.read(labelled / "cloud.png")
            with pytest.raises(errors.RateLimited) as refused:
                client.read(labelled / "cloud.png")

    assert 1 < refused.value.after_s <= 50


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--openai-port", "{taken}"], r"port \d+ for openai cannot be had"),
        (["--per-second", "0"], "a limit is above 0"),
        (["--fault-rate", "2"], "a rate of faults is from 0 to 1"),
        (["--key", "a__b"], "'a__b' is of no use"),
    ],
)
def test_what_cannot_be_served_is_one_line(labelled, capsys, arguments, said):
    """With what was given and what to do, and status 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status = main(["sandbox", "--dataset", str(labelled), *(part.format(taken=port) for part in arguments)])

    assert status == 2
    shown = capsys.readouterr()
    assert re.search(said, shown.err)
    assert (shown.out, shown.err.count("\n")) == ("", 1)
