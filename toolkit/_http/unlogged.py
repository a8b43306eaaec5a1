"""What a service says may hold the key that it was sent: a refusal quotes it, an echo is all of it.

httpcore writes the first line and the headers of every answer down for whoever asks for DEBUG. What it says of our
exchanges, which are known by their threads, is left out; what it says of anybody else's is not touched.
"""

import logging
import threading

THREAD_PREFIX = "toolkit-http-"

_LOGGERS = ("httpcore.connection", "httpcore.http11", "httpcore.proxy")


def _is_not_ours(record: logging.LogRecord) -> bool:  # noqa: ARG001 -- a filter is handed the record
    return not threading.current_thread().name.startswith(THREAD_PREFIX)


def leave_out_of_logs() -> None:
    """From now on nothing is logged of what happens in our threads; to ask twice changes nothing."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_is_not_ours)
