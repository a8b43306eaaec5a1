"""What a program with the `capsolver` package sees; its key and base URL come from the environment, as documented."""

import json
import sys

import capsolver


def attempt(key, **task):
    """The solution, or what was raised, as plain values."""
    capsolver.api_key = key
    try:
        return {"solution": capsolver.solve({"type": "ImageToTextTask", **task})}
    except capsolver.error.CapsolverError as error:
        code = (error.json_body or {}).get("errorCode")
        return {"raised": type(error).__name__, "status": error.http_status, "code": code}


def balance(key):
    """The balance, or the error that this package returns instead of raising it."""
    capsolver.api_key = key
    answer = capsolver.balance()
    return answer if isinstance(answer, dict) else {"returned": type(answer).__name__, "status": answer.http_status}


images = json.loads(sys.argv[1])
own_key = capsolver.api_key
saw = {
    "solved": attempt(own_key, body=images["sure"], module="common"),
    "scored": attempt(own_key, body=images["sure"], score=0.9, case=True, websiteURL="https://example.com"),
    "number": attempt(own_key, module="number", images=[images["sure"], images["unsure"]]),
    "under the score": attempt(own_key, body=images["unsure"], score=0.9),
    "unsolvable": attempt(own_key, body=images["blank"]),
    "no image": attempt(own_key),
    "bad key": attempt("bad", body=images["sure"]),
    "no money": attempt("empty", body=images["sure"]),
    "balance": balance(own_key),
    "balance with a bad key": balance("bad"),
}
json.dump(saw, sys.stdout)
