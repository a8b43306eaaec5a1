"""The style sheet of all widgets."""

# Colours are the page's own, light or dark, with a fallback where JupyterLab's variables are not defined. Figures
# stand on a card of their own, because their ink is meant for white.
STYLE = """<style>
:is(.toolkit-widget, .toolkit-static) {color: var(--jp-ui-font-color1, inherit); font-size: 13px; max-width: 100%;}
:is(.toolkit-widget, .toolkit-static) .widget-html-content, :is(.toolkit-widget, .toolkit-static) .jupyter-widgets {line-height: 1.45;}
:is(.toolkit-widget, .toolkit-static) .toolkit-figure {background: #fff; border-radius: 6px; padding: 6px; max-width: min(100%, 720px);
  height: auto; box-sizing: border-box; border: 1px solid var(--jp-border-color2, rgba(128,128,128,.4));}
:is(.toolkit-widget, .toolkit-static) table.toolkit-table {border-collapse: collapse; margin: 6px 0; font-size: 13px;
  font-variant-numeric: tabular-nums; color: inherit;}
:is(.toolkit-widget, .toolkit-static) .toolkit-table caption {text-align: left; opacity: .75; padding: 2px 0;}
:is(.toolkit-widget, .toolkit-static) .toolkit-table th, :is(.toolkit-widget, .toolkit-static) .toolkit-table td {padding: 3px 10px; vertical-align: top;
  border-bottom: 1px solid var(--jp-border-color2, rgba(128,128,128,.35));}
:is(.toolkit-widget, .toolkit-static) .toolkit-note {opacity: .8;}
:is(.toolkit-widget, .toolkit-static) :is(button, select, input, textarea, [role=slider]):focus-visible {
  outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 1px;}
:is(.toolkit-widget, .toolkit-static) .toolkit-scroll {overflow-x: auto;}
:is(.toolkit-widget, .toolkit-static) .toolkit-table th {text-align: left;}
:is(.toolkit-widget, .toolkit-static) .toolkit-table small {white-space: nowrap;}
:is(.toolkit-widget, .toolkit-static) .toolkit-table small.toolkit-words {white-space: normal;}
:is(.toolkit-widget, .toolkit-static) .widget-dropdown > select {  /* the arrow of ipywidgets is black, also on black */
  background-image: url("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 18 18'%3E%3Cpath fill='%23808080' d='M5 7l4 4 4-4z'/%3E%3C/svg%3E");}
.toolkit-dashboard .widget-html-content table :is(td, th) {padding: 3px 8px;}
:is(.toolkit-widget, .toolkit-static) .toolkit-as-code textarea {white-space: pre; overflow-x: auto;
  font-family: var(--jp-code-font-family, monospace);}
</style>"""


def only_without(model_id: str) -> str:
    """A style sheet for what stands in for a live widget: it is not seen where that widget is.

    JupyterLab and Notebook show nothing but an error for a widget whose kernel is gone, even when its output holds
    HTML as well. So the HTML is an output of its own after it, which hides itself from a page where the widget lives,
    and hides the error from one where it does not. It waits a moment, for the widget to come.
    """
    live, still = f".toolkit-live-{model_id}", f".toolkit-still-{model_id}"
    output = ":is(.jp-OutputArea-child, .output_container, .output)"
    return f"""<style>
@keyframes toolkit-wait {{from {{display: none;}}}}
{still} {{animation: toolkit-wait 1.5s step-end;}}
{output}:has({live}) ~ {output} {still} {{display: none;}}
{output}:has(+ {output} {still}):not(:has({live})) {{visibility: hidden; height: 0; min-height: 0; padding: 0;}}
</style>"""
