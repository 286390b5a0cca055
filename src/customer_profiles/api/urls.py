"""Where the endpoints and the files lie."""

from django.urls import include, path

from customer_profiles.api import files, views

V1 = [
    path("health/", views.Health.as_view()),
    path("segments/", views.Segments.as_view()),
    path("segments/<int:id>/", views.Segment.as_view()),
    path("segments/<int:id>/cells/", views.Cells.as_view()),
    path("segments/<int:id>/brief/", views.Brief.as_view()),
    path("summary/", views.Summary.as_view()),
    path("mood/daily/", views.MoodDaily.as_view()),
    path("continuity/", views.Continuity.as_view()),
    path("publications/", views.Publications.as_view()),
    path("privacy/", views.Privacy.as_view()),
]
urlpatterns = [
    path("api/v1/", include(V1)),
    path("docs/", include(files.DOCUMENTATION)),
    *files.PAGE,
]

handler400 = "customer_profiles.api.problems.bad_request"
handler404 = "customer_profiles.api.problems.not_found"
handler500 = "customer_profiles.api.problems.server_error"
