"""Other forms of an answer than JSON, and which of them a caller wants."""

from collections.abc import Sequence

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response


class Text(BaseRenderer):
    """What a view has made into text itself."""

    charset = "utf-8"
    example: str

    def render(self, data: str, *context: object) -> bytes:
        return data.encode()


class Csv(Text):
    """For spreadsheets."""

    media_type = "text/csv"
    format = "csv"
    example = 'segment,authors,followers\r\n0,42,"under 1,000"\r\n'

    @staticmethod
    def download(table: str, name: str) -> Response:
        """What a browser keeps as a file."""
        return Response(
            table, headers={"Content-Disposition": f'attachment; filename="{name}.csv"'}
        )


class Markdown(Text):
    """For documents and messages."""

    media_type = "text/markdown"
    format = "md"
    example = "# Content regulars\n"


class Negotiation(DefaultContentNegotiation):
    """`?format=` outdoes `Accept`, which nobody can type into a browser."""

    def select_renderer(
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        for renderer in renderers:
            if renderer.format == request.query_params.get("format"):
                return renderer, renderer.media_type
        return super().select_renderer(request, renderers, format_suffix)
