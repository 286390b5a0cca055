"""Other forms of an answer than JSON: text that a view has made itself."""

from rest_framework.renderers import BaseRenderer


class Text(BaseRenderer):
    """Base of the forms; `example` is for the documentation."""

    example = ""

    def render(self, data: str, *context: object) -> bytes:
        return data.encode()


class Csv(Text):
    """For spreadsheets."""

    media_type = "text/csv"
    format = "csv"
    example = 'segment,authors,followers\r\n0,42,"under 1,000"\r\n'


class Markdown(Text):
    """For documents and messages."""

    media_type = "text/markdown"
    format = "md"
    example = "# Content regulars\n"
