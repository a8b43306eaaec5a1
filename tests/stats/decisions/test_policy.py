"""A policy decides as its thresholds say, in this program and in another one, and nothing else is needed."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import toolkit as tk
from toolkit.errors import DatasetError, SettingError
from toolkit.stats import Cuts, Policy, Reviewer, Rules, Utility, decision_bands, pick_threshold, thresholds


def outcomes_of(n=400, seed=0, setting="engine()"):
    rng = np.random.default_rng(seed)
    confidence = np.round(rng.random(n), 3)
    right = rng.random(n) < 0.5 + 0.5 * np.sqrt(confidence)
    return pd.DataFrame(
        {
            "setting": setting,
            "sample": [f"{i}.png" for i in range(n)],
            "outcome": np.where(right, "correct", "wrong"),
            "text": ["AB12" if i % 3 else "a" for i in range(n)],
            "confidence": confidence,
            "source": np.where(rng.random(n) < 0.5, "scan", "phone"),
        }
    )


def test_one_answer_and_a_frame_are_decided_alike():
    """Row by row what the frame says is what `decide` says, with bands, slices, rules and missing answers."""
    frame = outcomes_of()
    frame.loc[:20, ["text", "confidence"]] = [None, np.nan]
    policy = Policy(
        "engine()",
        Cuts(0.8, 0.3),
        by="source",
        slices={"phone": Cuts(0.9, 0.6)},
        rules=Rules(pattern="[A-Z]{2}[0-9]{2}"),
    )
    answers = [None if pd.isna(text) else (text, c) for text, c in zip(frame["text"], frame["confidence"], strict=True)]
    one_by_one = [
        policy.decide(answer, tags={"source": source}) for answer, source in zip(answers, frame["source"], strict=True)
    ]

    assert policy.decide_frame(frame).tolist() == one_by_one
    assert set(one_by_one) == {"accept", "review", "reject"}


def test_another_program_decides_alike_from_the_file(tmp_path):
    """A second process that reads the JSON and nothing of ours gives the same decisions."""
    frame = outcomes_of()
    curve = thresholds(frame, utility=Utility(cost_wrong=2))
    bands = decision_bands(curve, Reviewer(cost=0.3, per_day=20), images_per_day=100)
    path = bands.to_policy().save(tmp_path / "policy.json")
    code = """
import json, sys
cuts = json.load(open(sys.argv[1]))["cuts"]
high = float("inf") if cuts["accept_from"] is None else cuts["accept_from"]
low = float("-inf") if cuts["review_from"] is None else cuts["review_from"]
print(json.dumps(["accept" if c >= high else "review" if c >= low else "reject" for c in json.load(sys.stdin)]))
"""
    said = subprocess.run(
        [sys.executable, "-c", code, path], input=json.dumps(frame["confidence"].tolist()), capture_output=True, text=True,
        check=True,
    )  # fmt: skip

    assert json.loads(said.stdout) == tk.load_policy(path).decide_frame(frame).tolist()


def test_what_is_saved_is_what_is_read(tmp_path):
    """Bands, slices, rules, infinite thresholds and the guarantee survive the file."""
    policy = pick_threshold(thresholds(outcomes_of(2000), by="source"), 0.2).to_policy(Rules(min_length=2))
    read = tk.load_policy(policy.save(tmp_path / "policy.json"))

    assert read == policy
    assert read.guarantee["max_risk"] == 0.2
    assert read.calibration["images"] == 2000
    assert read.versions["image-to-text-toolkit"] == tk.__version__
    assert "null" in Policy("a()", Cuts(np.inf)).to_json()


def test_the_checksum_is_that_of_the_images_it_was_chosen_on():
    """The same outcomes give the same, others another."""
    first, again, other = (pick_threshold(thresholds(outcomes_of(2000, seed)), 0.2).to_policy() for seed in (0, 0, 1))

    assert first.calibration["checksum"] == again.calibration["checksum"]
    assert first.calibration["checksum"] != other.calibration["checksum"]


def test_a_slice_without_a_threshold_goes_to_review():
    """Also a value that was never seen."""
    frame = outcomes_of(2000)
    frame.loc[frame["source"] == "phone", "outcome"] = "wrong"
    policy = pick_threshold(thresholds(frame, by="source"), 0.25).to_policy()

    assert policy.decide(("x", 1.0), tags={"source": "scan"}) == "accept"
    assert policy.decide(("x", 1.0), tags={"source": "phone"}) == "review"
    assert policy.decide(("x", 1.0), tags={"source": "fax"}) == "review"
    with pytest.raises(SettingError, match="decides by 'source'"):
        policy.decide(("x", 1.0))


def test_rules_are_calibrated_with_the_threshold():
    """Applied to the outcomes, answers that break a rule are no answers; the policy then accepts just the others."""
    frame = outcomes_of(1000)
    rules = Rules(min_length=2, agrees_with="other()")
    both = pd.concat([frame, frame.assign(setting="other()", text=np.where(frame.index % 2, frame["text"], "B"))])
    applied = rules.apply(both, "engine()")
    kept = (frame.index % 3 > 0) & (frame.index % 2 > 0)
    policy = Policy("engine()", Cuts(0.5), rules=rules)

    assert (applied["outcome"] == "no_answer").tolist() == (~kept).tolist()
    assert (policy.decide_frame(both) == "accept").tolist() == (kept & (frame["confidence"] >= 0.5)).tolist()
    assert policy.decide(("AB12", 0.9), others={"other()": "AB12"}) == "accept"
    assert policy.decide(("AB12", 0.9), others={"other()": None}) == "review"
    with pytest.raises(SettingError, match="needs what other\\(\\) read"):
        policy.decide(("AB12", 0.9))


def test_what_is_no_policy_is_said(tmp_path):
    """No file, no JSON, another schema, a choice without a threshold, a pattern that is none."""
    path = tmp_path / "policy.json"
    with pytest.raises(DatasetError, match="cannot be read"):
        tk.load_policy(path)
    for text, said in (("{", "not a policy"), ('{"schema": 9}', "another schema"), ("[]", "not a policy")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(DatasetError, match=said):
            tk.load_policy(path)
    with pytest.raises(SettingError, match="has none that is controlled"):
        pick_threshold(thresholds(outcomes_of(20)), 0.01).to_policy()
    with pytest.raises(SettingError, match="not a regular expression"):
        Rules(pattern="[")
