"""What is wrong with a question."""


class RequestError(ValueError):
    """The request is wrong: answered with 400 and this text."""
