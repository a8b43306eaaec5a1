"""inspect_ai with a provider of our own over aiohttp; its log on disk, its scorer, its model time."""

from pathlib import Path

from asking import COUNT, FOLDER, IN_FLIGHT, TARGET, ask, hand_over, session
from inspect_ai import Task, eval  # noqa: A004 -- its name
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import read_eval_log
from inspect_ai.model import ModelAPI, ModelOutput, get_model, modelapi
from inspect_ai.scorer import match
from inspect_ai.solver import generate


@modelapi(name="reader")
class Reader(ModelAPI):
    """Reads the image whose number is the prompt."""

    http = None

    async def generate(self, input, tools, tool_choice, config):
        self.http = self.http or session()
        return ModelOutput.from_content("reader", await ask(self.http, int(input[-1].text)))

    def max_connections(self):
        return IN_FLIGHT


dataset = MemoryDataset([Sample(input=str(number), target=TARGET) for number in range(COUNT)])
[log] = eval(
    Task(dataset=dataset, solver=generate(), scorer=match(location="exact")),
    model=get_model("reader/reader"),
    max_connections=IN_FLIGHT,
    max_samples=IN_FLIGHT,
    log_dir=str(Path(FOLDER) / "logs"),
    display="none",
)
samples = read_eval_log(log.location).samples
calls = [event for sample in samples for event in sample.events if event.event == "model"]
hand_over(
    [call.working_time for call in calls],
    rows=len(samples),
    right=sum(sample.scores["match"].value == "C" for sample in samples),
)
