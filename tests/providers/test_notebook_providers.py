"""The providers that the notebook writes: short enough to be read at a glance, and checked by the contract."""

import ast
from pathlib import Path

import nbformat

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "05_write_a_provider.ipynb"
MOST_LINES = 40


def cells():
    """The syntax trees of the notebook's code cells."""
    book = nbformat.read(NOTEBOOK, as_version=4)
    return [ast.parse(cell.source) for cell in book.cells if cell.cell_type == "code"]


def providers():
    """Classes that derive from one of the toolkit's provider classes, by name: the base and how many lines they take."""
    return {
        node.name: (ast.unparse(node.bases[0]), node.end_lineno - node.decorator_list[0].lineno + 1)
        for tree in cells()
        for node in tree.body
        if isinstance(node, ast.ClassDef) and ast.unparse(node.bases[0]).startswith("tk.")
    }


def test_an_engine_and_a_service_are_written_in_forty_lines():
    """From the decorator to the last line."""
    found = providers()

    assert sorted(base for base, _ in found.values()) == ["tk.LocalProvider", "tk.ServiceProvider"]
    assert {name: lines for name, (_, lines) in found.items() if lines > MOST_LINES} == {}


def test_both_kinds_pass_the_contract_in_a_cell_of_its_own():
    """Not within a try, so that a broken contract would end the notebook."""
    checked = {
        ast.unparse(call.args[0].func)
        for tree in cells()
        for node in tree.body
        if isinstance(node, ast.Expr) and isinstance(call := node.value, ast.Call)
        if ast.unparse(call.func) == "tk.testing.check_provider"
    }

    assert checked == {"CarefulDigit", "Scribe"}
