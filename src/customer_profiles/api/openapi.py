"""How drf-spectacular describes a view: from its shape and its parameters."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from customer_profiles.api.problems import TYPE, problem

OPEN = {
    400: "a parameter is unknown, out of bounds or given twice",
    404: "there is no such segment, page or format",
    405: "only GET and HEAD",
    406: "`Accept` names nothing that is to be had here",
    503: "the database is away, or nothing is published yet",
}
PROTECTED = {
    401: "no token, or one that is unknown, revoked or expired",
    429: "asked too often",
}


class Bearer(OpenApiAuthenticationExtension):
    """The security scheme."""

    target_class = "customer_profiles.api.authentication.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict:
        told = "`python -m customer_profiles.api token create NAME` makes one"
        return {"type": "http", "scheme": "bearer", "description": told}


class Described(AutoSchema):
    """One operation."""

    def get_operation_id(self) -> str:
        return f"read{self.view.shape}"

    def get_description(self) -> str:
        return getattr(self.view, "part", self.view).__doc__

    def get_tags(self) -> list[str]:
        return ["published"]

    def get_override_parameters(self) -> list:
        tag = {"type": "string", "pattern": '^".+"$', "examples": ['"5f1d3a0c9b7e2468.json"']}
        wait = {"type": "integer", "minimum": 0, "examples": [5]}
        told = [OpenApiParameter("Retry-After", wait, "header", response=[429, 503])]
        if self.view.authentication_classes:
            use = "for `If-None-Match`"
            told.append(OpenApiParameter("ETag", tag, "header", response=[200], description=use))
        return [self.view.query, *told] if self.view.query().fields else told

    def get_response_serializers(self) -> dict:
        said = {
            (200, part.media_type): self._reference(self.view.shape)
            if part.format == "json"
            else {"type": "string", "examples": [part.example]}
            for part in self.view.renderer_classes
        }
        if not self.view.authentication_classes:
            return said | self._problems(OPEN)
        same = OpenApiResponse(description="`If-None-Match` names what you have")
        return {**said, 304: same, **self._problems({**PROTECTED, **OPEN})}

    def _problems(self, why: dict[int, str]) -> dict:
        shape = self._reference("Problem")
        return {
            (status, TYPE): OpenApiResponse(
                shape,
                description=why[status],
                examples=[OpenApiExample(str(status), problem(status, why[status]))],
            )
            for status in sorted(why)
        }

    @staticmethod
    def _reference(name: str) -> dict:
        return {"$ref": f"#/components/schemas/{name}"}
