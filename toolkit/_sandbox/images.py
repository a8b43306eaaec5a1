"""Images as they stand in a request."""

import base64
import binascii


class NotAnImage(ValueError):
    """The text is not an image in the form asked for; the message says in what it differs."""


def decode(text: object, *, strict: bool) -> bytes:
    """The bytes of a base64 image.

    `strict` takes one line without a ``data:`` prefix, as the services document it; otherwise both are
    forgiven. `NotAnImage` for anything else, an empty string included.
    """
    if not isinstance(text, str) or not text:
        raise NotAnImage("the image must be a base64 string")
    if strict and text.startswith("data:"):
        raise NotAnImage("the image must be base64 without a data: prefix")
    if strict and ("\n" in text or "\r" in text):
        raise NotAnImage("the image must be base64 on one line")
    if not strict:
        text = text.partition(",")[2] if text.startswith("data:") else text
        text = "".join(text.split())
    try:
        image = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotAnImage("the image is not decodable base64") from error
    if not image:
        raise NotAnImage("the image is empty")
    return image
