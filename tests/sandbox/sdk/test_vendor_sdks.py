"""Unmodified clients of the services solve, are refused and read balances, and cannot tell the sandbox from them.

Three are the vendors' own, two are what many programs use instead.
"""

from toolkit._sandbox import CapMonsterRules, CapSolverRules

SURE = {"text": "Xk7mq", "confidence": 0.99}


def test_capsolver_for_python(sandbox, python_with_sdks, outcome_of, encoded):
    """Each refusal arrives as the error class that the package has for it."""
    box = sandbox(price_per_1000_usd=1)
    environment = {"CAPSOLVER_API_BASE": box.urls["capsolver"], "CAPSOLVER_API_KEY": "demo"}

    saw = outcome_of(python_with_sdks, "use_capsolver.py", encoded, **environment)

    invalid = {"raised": "InvalidRequestError", "status": 400}
    assert saw == {
        "solved": {"solution": SURE},
        "scored": {"solution": SURE},
        "number": {"solution": {"answers": ["Xk7mq", "Hello7"], "confidence": 0.85}},
        "under the score": {**invalid, "code": "ERROR_CAPTCHA_UNSOLVABLE"},
        "unsolvable": {**invalid, "code": "ERROR_CAPTCHA_UNSOLVABLE"},
        "no image": {**invalid, "code": "ERROR_INVALID_TASK_DATA"},
        "bad key": {"raised": "AuthenticationError", "status": 401, "code": "ERROR_KEY_DENIED_ACCESS"},
        "no money": {**invalid, "code": "ERROR_ZERO_BALANCE"},
        "balance": {"errorId": 0, "balance": 9.997, "packages": []},
        "balance with a bad key": {"returned": "AuthenticationError", "status": 401},
    }
    assert (box.ledger.charged("capsolver"), box.ledger.free("capsolver")) == (3, 2)


def test_capsolver_for_python_polls_a_deferred_task(sandbox, python_with_sdks, outcome_of, encoded):
    """The status idle is pending to it, and what comes of the task is the same."""
    box = sandbox(capsolver=CapSolverRules(deferred=True))
    environment = {"CAPSOLVER_API_BASE": box.urls["capsolver"], "CAPSOLVER_API_KEY": "demo"}

    saw = outcome_of(python_with_sdks, "use_capsolver.py", encoded, **environment)

    assert saw["solved"] == {"solution": SURE}
    assert saw["under the score"]["code"] == "ERROR_CAPTCHA_UNSOLVABLE"
    assert box.traffic.requests("capsolver", "getTaskResult") == 5


def test_python3_capsolver(sandbox, python_with_sdks, outcome_of, encoded):
    """It unpacks every answer by name, so that one member too many would raise; errors are answers to it."""
    box = sandbox()

    saw = outcome_of(python_with_sdks, "use_python3_capsolver.py", box.urls["capsolver"], encoded)

    members = {"errorId", "errorCode", "errorDescription", "taskId", "status", "solution"}
    assert all(set(answer) == members for answer in saw.values())
    assert (saw["solved"]["status"], saw["solved"]["solution"]) == ("ready", SURE)
    assert {name: answer["errorCode"] for name, answer in saw.items()} == {
        "solved": "",
        "under the score": "ERROR_CAPTCHA_UNSOLVABLE",
        "bad key": "ERROR_KEY_DENIED_ACCESS",
        "no money": "ERROR_ZERO_BALANCE",
    }


def test_capmonster_for_python(sandbox, python_with_sdks, outcome_of, encoded):
    """It polls until the task is ready, and tells a refusal by its code."""
    box = sandbox(price_per_1000_usd=1, delay=0.5)

    saw = outcome_of(python_with_sdks, "use_capmonster.py", box.urls["capmonster"], encoded)

    unsolvable = {
        "raised": "GetResultError",
        "said": "[ERROR_CAPTCHA_UNSOLVABLE] the image could not be solved.",
    }
    assert saw["solved"] == {"text": "Xk7mq"}
    assert saw["with every option"] == {"text": "Xk7mq"}
    assert saw["under the threshold"] == unsolvable
    assert saw["unsolvable"] == unsolvable
    assert saw["bad key"]["raised"] == "GetTaskError"
    assert "[ERROR_KEY_DOES_NOT_EXIST]" in saw["bad key"]["said"]
    assert "[ERROR_ZERO_BALANCE]" in saw["no money"]["said"]
    assert saw["balance"] == {"errorId": 0, "balance": 9.998}
    assert "ERROR_KEY_DOES_NOT_EXIST" in saw["balance with a bad key"]["said"]
    assert (box.ledger.charged("capmonster"), box.ledger.free("capmonster")) == (2, 2)
    # The first question comes after 0.35 s, too early, and the second 0.2 s later.
    assert box.traffic.requests("capmonster", "getTaskResult") >= 8


def test_capmonster_for_python_loses_the_code_of_a_402(sandbox, python_with_sdks, outcome_of, encoded):
    """What its users report: a number and no reason."""
    box = sandbox(capmonster=CapMonsterRules(errors="402/403"))

    saw = outcome_of(python_with_sdks, "use_capmonster.py", box.urls["capmonster"], encoded)

    assert saw["solved"] == {"text": "Xk7mq"}
    assert saw["no money"] == {"raised": "HTTPException", "said": "Cannot create task. Status code: 402."}
    assert saw["bad key"] == {"raised": "HTTPException", "said": "Cannot create task. Status code: 403."}


def test_capmonster_for_javascript(sandbox, node_with_sdks, outcome_of, encoded):
    """A refusal is a result to it, by the code without its prefix."""
    node, modules = node_with_sdks
    box = sandbox(price_per_1000_usd=1, delay=0.5)

    saw = outcome_of(node, "use_capmonster.cjs", str(modules), box.urls["capmonster"], encoded)

    assert saw == {
        "solved": {"solution": {"text": "Xk7mq"}},
        "under": {"error": "CAPTCHA_UNSOLVABLE"},
        "badKey": {"error": "KEY_DOES_NOT_EXIST"},
        "noMoney": {"error": "ZERO_BALANCE"},
        "balance": {"errorId": 0, "balance": 9.999},
    }


def test_node_capmonster(sandbox, node_with_sdks, outcome_of, encoded, tmp_path):
    """Pending is null, a solution is an object, and an error carries the whole response."""
    node, modules = node_with_sdks
    box = sandbox(price_per_1000_usd=1, delay=0.5)

    saw = outcome_of(node, "use_node_capmonster.cjs", str(modules), box.urls["capmonster"], encoded, str(tmp_path))

    solved = {"idIs": "number", "solution": {"text": "Xk7mq"}}
    assert saw["first"] is None
    assert saw["joined"] == {"text": "Xk7mq"}
    assert (saw["solved"], saw["fromFile"]) == (solved, solved)
    for name, code in {
        "under": "ERROR_CAPTCHA_UNSOLVABLE",
        "unsolvable": "ERROR_CAPTCHA_UNSOLVABLE",
        "badKey": "ERROR_KEY_DOES_NOT_EXIST",
        "noMoney": "ERROR_ZERO_BALANCE",
        "badBalance": "ERROR_KEY_DOES_NOT_EXIST",
    }.items():
        assert saw[name]["raised"] == "CapmonsterError"
        assert saw[name]["response"]["errorCode"] == code
        assert saw[name]["said"].startswith(f"[{code}] ")
    assert saw["balance"] == 9.997
    assert (box.ledger.charged(), box.ledger.free()) == (3, 2)
