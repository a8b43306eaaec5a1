"""Keys out of what a service says."""

from toolkit.errors import ProviderError

_TELLING = 6  # so many characters of a key in a row are no coincidence
_MARK = "[key]"


def redacted(text: str, key: str) -> str:
    """The text without the key, and without any longer piece of it: live services quote parts of it."""
    text = text.replace(key, _MARK)
    size = min(_TELLING, len(key))
    pieces = {key[start : start + size] for start in range(len(key) - size + 1)}
    kept, start = [], 0
    while start < len(text):
        if text[start : start + size] not in pieces:
            kept.append(text[start])
            start += 1
            continue
        end = start + size
        while end < len(text) and text[end - size + 1 : end + 1] in pieces:
            end += 1
        kept.append(_MARK)
        start = end
    return "".join(kept)


def redact(error: ProviderError, key: str) -> None:
    """Take the key out of everything an error says."""
    error.args = tuple(redacted(part, key) if isinstance(part, str) else part for part in error.args)
    error.code = None if error.code is None else redacted(error.code, key)
    if isinstance(error.task_id, str):
        error.task_id = redacted(error.task_id, key)
