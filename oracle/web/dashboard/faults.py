"""What ends a page early: each has its own status and its own words."""

from oracle.assessment.errors import OracleError


class PageFault(OracleError):
    """A page that cannot be shown; its text says why and what to do."""

    status = 500
    title = "Something failed"


class BadField(PageFault):
    """A field of the address or of a form is not what it should be."""

    status = 400
    title = "That cannot be asked"

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name


class NotThere(PageFault):
    """Nothing goes by that name or number."""

    status = 404
    title = "Not found"


class NotAllowed(PageFault):
    """Whoever asks may not do that, or did not ask from a page of ours."""

    status = 403
    title = "Not allowed"


class BadForm(PageFault):
    """A form that no page of ours sends: the connection ends with it, since its rest was not read."""

    title = "That form cannot be read"

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{text}: load the page again and repeat what you did")
        self.status = status
