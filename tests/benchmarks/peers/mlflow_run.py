"""MLflow's genai evaluation with threads, over its SQLite store."""

import os
import threading
from http.client import HTTPConnection

from asking import COUNT, FOLDER, IN_FLIGHT, TARGET, URL, hand_over, task

os.environ |= {
    "MLFLOW_GENAI_EVAL_MAX_WORKERS": str(IN_FLIGHT),
    "MLFLOW_GENAI_EVAL_PREDICT_RATE_LIMIT": "0",
    "MLFLOW_GENAI_EVAL_SCORER_RATE_LIMIT": "0",
    # Its pool of fifteen connections loses rows where more threads than that want to write.
    "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "50",
    "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": str(IN_FLIGHT),
    "GIT_PYTHON_REFRESH": "quiet",
}

import json

import mlflow
from mlflow.genai.scorers import scorer

mlflow.set_tracking_uri(f"sqlite:///{FOLDER}/mlflow.db")
mlflow.set_experiment("peers")
own = threading.local()


def read(number):
    """One request over the thread's own connection."""
    if not hasattr(own, "http"):
        own.http = HTTPConnection(URL.removeprefix("http://"), timeout=60)
    own.http.request("POST", "/createTask", json.dumps(task(number)), {"content-type": "application/json"})
    return json.loads(own.http.getresponse().read())["solution"]["text"]


@scorer
def right(outputs, expectations):
    return outputs == expectations["target"]


data = [{"inputs": {"number": number}, "expectations": {"target": TARGET}} for number in range(COUNT)]
found = mlflow.genai.evaluate(data=data, predict_fn=read, scorers=[right]).result_df
hand_over(
    found["execution_duration"] / 1000 if "execution_duration" in found else None,
    rows=len(found),
    right=int((found["right/value"].astype(str).str.lower().isin(["true", "yes"])).sum()),
)
