"""promptfoo with its HTTP provider and its SQLite store. Argument 5 is its command."""

import json
import os
import subprocess
import sys
from pathlib import Path

from asking import COUNT, FOLDER, IN_FLIGHT, TARGET, URL, hand_over, task

folder, command = Path(FOLDER), sys.argv[5]
request = task(0)
request["task"]["body"] = "{{body}}"
provider = {
    "url": f"{URL}/createTask",
    "method": "POST",
    "headers": {"content-type": "application/json"},
    "body": request,
    "transformResponse": "json.solution.text",
    "maxRetries": 0,
}
tests = [
    {"vars": {"body": task(number)["task"]["body"]}, "assert": [{"type": "equals", "value": TARGET}]}
    for number in range(COUNT)
]
config = {"prompts": ["{{body}}"], "providers": [{"id": "http", "config": provider}], "tests": tests}
(folder / "promptfooconfig.json").write_text(json.dumps(config))
quiet = {
    "PROMPTFOO_CONFIG_DIR": FOLDER,
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    "PROMPTFOO_DISABLE_SHARING": "1",
}
options = ["-j", str(IN_FLIGHT), "--no-cache", "--no-progress-bar", "--no-table", "--no-share"]
subprocess.run(
    [command, "eval", "-c", str(folder / "promptfooconfig.json"), *options, "-o", str(folder / "out.json")],
    cwd=folder,
    env=os.environ | quiet,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
    check=False,  # its status says whether all was right, which the rows say too
)
rows = json.loads((folder / "out.json").read_text())["results"]["results"]
hand_over([row["latencyMs"] / 1000 for row in rows], rows=len(rows), right=sum(row["success"] for row in rows))
