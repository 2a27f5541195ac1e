"""Why a request is not taken: raised anywhere below the door, answered by the door."""


class Refused(Exception):
    """The request is answered with `status` and `{"error": reason}`; `fields` are further header lines.

    `fatal` means that the connection's bytes can no longer be trusted or will not be read: it is closed.
    """

    def __init__(self, status: int, reason: str, *, fields: bytes = b"", fatal: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.fields = fields
        self.fatal = fatal


class Malformed(Exception):
    """A body that holds no event: answered 400 and kept as a reject.

    `kind` becomes the reject's reason (`malformed_json` …), `at` is a byte offset where known, else 0.
    """

    def __init__(self, kind: str, reason: str, at: int = 0) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.at = at
