"""Where the endpoints lie."""

from django.urls import include, path

from customer_profiles.api import docs, page, parts
from customer_profiles.api.views import Brief, Health, Publications, Published, Rows

V1 = [
    path("health/", Health.as_view(shape="Health")),
    path("segments/", Rows.as_view(shape="Segments", part=parts.segments)),
    path("segments/<int:id>/", Published.as_view(shape="Segment", part=parts.segment)),
    path("segments/<int:id>/cells/", Rows.as_view(shape="Cells", part=parts.cells)),
    path("segments/<int:id>/brief/", Brief.as_view(shape="Brief", part=parts.brief)),
    path("summary/", Published.as_view(shape="Summary", part=parts.summary)),
    path("mood/daily/", Rows.as_view(shape="MoodDaily", part=parts.mood_daily)),
    path("continuity/", Published.as_view(shape="Continuity", part=parts.continuity)),
    path("publications/", Publications.as_view(shape="Publications", part=parts.publications)),
    path("privacy/", Published.as_view(shape="Privacy", part=parts.privacy)),
]
# Open to everybody, because no data is in it.
DOCS = [
    path("", docs.page),
    path("start.js", docs.start),
    path("schema/", docs.schema),
    path("static/<path:name>", docs.asset),
]
urlpatterns = [
    path("api/v1/", include(V1)),
    path("docs/", include(DOCS)),
    *page.PATHS,
]

handler400 = "customer_profiles.api.problems.bad_request"
handler404 = "customer_profiles.api.problems.not_found"
handler500 = "customer_profiles.api.problems.server_error"
